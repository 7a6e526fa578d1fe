//! Which option helps. The library says what is wrong and what could be done; only here is it known how that is asked for.

use est::EstError;
use est_data::synth::mesh::MESH_FILE;

use crate::assets::DETECTOR;

/// An error of the library, with the option that helps where one does.
pub fn said(error: &EstError) -> String {
    match hint(error) {
        Some(hint) => format!("{error} ({hint})"),
        None => error.to_string(),
    }
}

fn hint(error: &EstError) -> Option<String> {
    Some(match error {
        EstError::CropSize { .. } => "leave out --crops".to_string(),
        EstError::NotInstalled { file, .. } => {
            let option = match *file {
                file if file == DETECTOR.file => "--detector",
                MESH_FILE => "--mesh",
                _ => "--weights",
            };
            format!("{option} FILE; `est doctor` lists where it is looked for")
        }
        EstError::Output { .. } => "another --out".to_string(),
        EstError::Encoder(_) => "leave mp4 out of --format".to_string(),
        _ => return None,
    })
}

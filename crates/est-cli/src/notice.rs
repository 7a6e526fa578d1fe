//! What every user is told once.

use std::path::Path;

use crate::assets::user_folder;

const NOTICE: &str = "\
est reads apparent facial expressions: what a face looks like, not what a person feels. Before you read other people:
 - they must know and agree; in workplaces and schools the EU forbids inferring emotions (AI Act, Art. 5(1)(f)),
   elsewhere it must be disclosed (Art. 50) and counts as high-risk;
 - results are personal data: --purpose and --retain note why and how long, `est purge` deletes them;
 - the model errs, on some people and scenes more than on others.
docs/responsible-use.md has the rest. This is shown once.
";

/// Tells this user, unless that was done before. Where it cannot be noted, it is told again the next time.
pub fn once() {
    let Some(marker) = user_folder("XDG_STATE_HOME", ".local/state").map(|folder| folder.join("est/notice-1")) else {
        return;
    };
    if marker.exists() {
        return;
    }
    eprint!("{NOTICE}");
    let folder = marker.parent().unwrap_or(Path::new("."));
    let _ = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&marker, NOTICE));
}

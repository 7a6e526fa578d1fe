//! What is written about a video, and what is done to its probabilities before.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use est::report::{Format, Pictures, Privacy};
use est::{Baseline, SignalOptions};

use super::{positive, share, time};

#[derive(Debug, clap::Args)]
pub struct OutputArgs {
    /// Results to write, separated by commas; <name>.run.json is always written
    #[arg(long, value_name = "FORMATS", value_delimiter = ',', default_value = "csv", value_parser = chosen())]
    pub format: Vec<Chosen>,
    /// Of csv, parquet, json and jsonl: a row for each face and stretch of time instead of each frame, like 1s, 500ms, 0.5
    /// (seconds) or 2min, with the means of its usable frames
    #[arg(long, value_name = "TIME", value_parser = time::stretch)]
    pub every: Option<f64>,
    /// Smooth the probabilities of each face by a centred Gaussian of this deviation; adds the columns s_<class>
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    pub smooth: Option<f64>,
    /// A stretch in which faces look neutral, to correct them by, like 0-5 (seconds), or 2:0-5 for track 2 alone; adds
    /// the columns s_<class>
    #[arg(long, value_name = "[TRACK:]FROM-TO", value_delimiter = ',', value_parser = baseline)]
    pub baseline: Vec<Baseline>,
    /// Label `uncertain` what no class reaches this probability in
    #[arg(long, value_name = "P", value_parser = share)]
    pub abstain: Option<f32>,
    /// Add the five points of each face, in pixels: the columns left_eye_x, left_eye_y and so on
    #[arg(long)]
    pub points: bool,
    /// Hide faces in every picture that is written, also while they are not found for up to a second
    #[arg(long, conflicts_with = "landmarks_only")]
    pub blur: bool,
    /// Show no pixel of the video in what is written: boxes and points on black
    #[arg(long)]
    pub landmarks_only: bool,
    /// Put small pictures of each face into the HTML report
    #[arg(long)]
    pub thumbnails: bool,
}

/// A format, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    All,
    One(Format),
}

impl OutputArgs {
    /// Each format once, in the order of [`Format::ALL`].
    pub fn formats(&self) -> Vec<Format> {
        let wanted = |format: &Format| self.format.iter().any(|&c| c == Chosen::All || c == Chosen::One(*format));
        Format::ALL.into_iter().filter(wanted).collect()
    }

    pub fn pictures(&self) -> Pictures {
        let privacy = match (self.blur, self.landmarks_only) {
            (_, true) => Privacy::LandmarksOnly,
            (true, _) => Privacy::Blurred,
            _ => Privacy::Shown,
        };
        Pictures { privacy, thumbnails: self.thumbnails }
    }

    pub fn signal(&self) -> SignalOptions {
        SignalOptions { smooth_s: self.smooth, baseline: self.baseline.clone(), abstain: self.abstain }
    }
}

fn chosen() -> impl TypedValueParser<Value = Chosen> {
    let named = |format: &Format| PossibleValue::new(format.name()).help(format.about());
    let all = PossibleValue::new("all").help("every one of them");
    let parse =
        |name: String| Format::ALL.into_iter().find(|format| format.name() == name).map_or(Chosen::All, Chosen::One);
    PossibleValuesParser::new(Format::ALL.iter().map(named).chain([all])).map(parse)
}

fn baseline(text: &str) -> Result<Baseline, String> {
    let (track, stretch) = match text.split_once(':') {
        None => (None, text),
        Some((track, stretch)) => {
            (Some(track.parse().map_err(|_| format!("`{track}` is no track's number"))?), stretch)
        }
    };
    let (from, to) = stretch.split_once('-').ok_or("must be like 0-5 or 2:0-5, times in seconds")?;
    let seconds = |text: &str| text.trim().parse::<f64>().map_err(|_| format!("`{text}` is no number of seconds"));
    let (from_s, to_s) = (seconds(from)?, seconds(to)?);
    if !(from_s < to_s && to_s.is_finite()) {
        return Err("must end after it begins".to_string());
    }
    Ok(Baseline { track, from_s, to_s })
}

//! Which part of a source is read.

use est_media::TimeRange;

use super::time;

#[derive(Debug, clap::Args)]
pub struct PartArgs {
    /// Begin at this time: seconds, like 90 or 2min, or a timecode like 02:03 or 01:02:03.5; rows keep the times of the whole
    #[arg(long, value_name = "TIME", value_parser = time::time)]
    pub start: Option<f64>,
    /// End before this time
    #[arg(long, value_name = "TIME", value_parser = time::time)]
    pub end: Option<f64>,
    /// Of files with several video streams: the number of one, from 1, or all of them, each as a video of its own
    #[arg(long, value_name = "N|all", value_parser = stream)]
    pub stream: Option<StreamChoice>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamChoice {
    All,
    Number(u32),
}

impl PartArgs {
    /// # Errors
    /// The part ends before it begins.
    pub fn range(&self) -> anyhow::Result<TimeRange> {
        let range = TimeRange { start_s: self.start, end_s: self.end };
        if let (Some(start), Some(end)) = (range.start_s, range.end_s) {
            anyhow::ensure!(start < end, "--end {end} s is not after --start {start} s; nothing lies between them");
        }
        Ok(range)
    }

    /// The one number that is asked for.
    pub fn number(&self) -> Option<u32> {
        match self.stream {
            Some(StreamChoice::Number(number)) => Some(number),
            Some(StreamChoice::All) | None => None,
        }
    }
}

fn stream(text: &str) -> Result<StreamChoice, String> {
    match text {
        "all" => Ok(StreamChoice::All),
        _ => number(text).map(StreamChoice::Number),
    }
}

/// The number of a video stream.
pub fn number(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| format!("`{text}` is no number of a video stream; they count from 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams() {
        assert_eq!((stream("all"), stream("2")), (Ok(StreamChoice::All), Ok(StreamChoice::Number(2))));
        assert!(["0", "-1", "x", ""].iter().all(|text| stream(text).is_err()));
    }
}

//! Which part of a source is read.

use est_media::TimeRange;

#[derive(Debug, clap::Args)]
pub struct PartArgs {
    /// Begin at this time: seconds, or a timecode like 02:03 or 01:02:03.5; rows keep the times of the whole
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub start: Option<f64>,
    /// End before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
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

/// `12.5`, `02:03`, `01:02:03.5`.
fn time(text: &str) -> Result<f64, String> {
    let wrong = || format!("`{text}` is no time; write seconds like 12.5, or 02:03, or 01:02:03.5");
    let parts: Vec<&str> = text.split(':').collect();
    // No signs, exponents or words like `inf`.
    let plain = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit() || c == '.');
    let whole = |part: &&str| !part.contains('.');
    let (last, before) = parts.split_last().ok_or_else(wrong)?;
    if !parts.iter().all(plain) || !before.iter().all(whole) || before.len() > 2 {
        return Err(wrong());
    }
    let mut seconds = 0.0;
    for (place, part) in before.iter().chain([last]).enumerate() {
        let value: f64 = part.parse().map_err(|_| wrong())?;
        if place > 0 && value >= 60.0 {
            return Err(format!("`{text}` is no time: minutes and seconds end at 59"));
        }
        seconds = seconds * 60.0 + value;
    }
    if seconds < 1e9 { Ok(seconds) } else { Err(wrong()) }
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
    fn times() {
        for (text, seconds) in [
            ("12.5", 12.5),
            ("0", 0.0),
            ("90", 90.0),
            ("02:03", 123.0),
            ("01:02:03.5", 3723.5),
            ("100:00:00", 360_000.0),
            (".5", 0.5),
        ] {
            assert_eq!(time(text), Ok(seconds), "{text}");
        }
        for text in [
            "", "x", "-1", "1e3", "inf", "NaN", "1:60", "60:00:60", "1:2:3:4", "1.5:00", "01:02:", ":5", "1..5", ".",
            "1,5",
        ] {
            assert!(time(text).is_err(), "{text}: {:?}", time(text));
        }
    }

    #[test]
    fn streams() {
        assert_eq!((stream("all"), stream("2")), (Ok(StreamChoice::All), Ok(StreamChoice::Number(2))));
        assert!(["0", "-1", "x", ""].iter().all(|text| stream(text).is_err()));
    }
}

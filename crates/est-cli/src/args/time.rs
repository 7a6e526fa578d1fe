//! Times and stretches of time, as every option takes them.

/// `12.5` and `90` (seconds), `500ms`, `1s`, `2m` or `2min`, `1h`; `02:03`, `01:02:03.5`, `01:02:03,500` as subtitles write it.
pub fn time(text: &str) -> Result<f64, String> {
    let wrong = || format!("`{text}` is no time; write seconds like 12.5, or 500ms, 2min, 02:03, 01:02:03.5");
    let text = text.trim();
    let seconds = match text.contains(':') {
        true => timecode(text).ok_or_else(wrong)??,
        false => with_unit(text).ok_or_else(wrong)?,
    };
    // Times are written in microseconds.
    let seconds = (seconds * 1e6).round() / 1e6;
    if seconds < 1e9 { Ok(seconds) } else { Err(wrong()) }
}

/// How long a stretch of a table is.
pub fn stretch(text: &str) -> Result<f64, String> {
    let seconds = time(text)?;
    if (0.001..=86_400.0).contains(&seconds) { Ok(seconds) } else { Err("must be from 1ms to a day".to_string()) }
}

fn with_unit(text: &str) -> Option<f64> {
    let units = [("ms", 0.001), ("min", 60.0), ("m", 60.0), ("h", 3600.0), ("s", 1.0), ("", 1.0)];
    let (number, unit) = units.into_iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))?;
    Some(plain(number.trim_end())? * unit)
}

/// No signs, exponents or words like `inf`.
fn plain(number: &str) -> Option<f64> {
    number.chars().all(|c| c.is_ascii_digit() || c == '.').then(|| number.parse().ok())?
}

fn timecode(text: &str) -> Option<Result<f64, String>> {
    let parts: Vec<&str> = text.split(':').collect();
    let (last, before) = parts.split_last()?;
    // A comma is a decimal point only here: elsewhere it may stand between two times.
    let last = last.replace(',', ".");
    if before.len() > 2 || before.iter().any(|part| part.contains('.')) {
        return None;
    }
    let mut seconds = 0.0;
    for (place, part) in before.iter().copied().chain([last.as_str()]).enumerate() {
        let value = plain(part)?;
        if place > 0 && value >= 60.0 {
            return Some(Err(format!("`{text}` is no time: minutes and seconds end at 59")));
        }
        seconds = seconds * 60.0 + value;
    }
    Some(Ok(seconds))
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
            ("00:00:01,500", 1.5),
            ("100:00:00", 360_000.0),
            (".5", 0.5),
            ("500ms", 0.5),
            ("1s", 1.0),
            ("1 s", 1.0),
            ("2m", 120.0),
            ("1.5min", 90.0),
            ("1h", 3600.0),
        ] {
            assert_eq!(time(text), Ok(seconds), "{text}");
        }
        for text in [
            "", "x", "-1", "1e3", "inf", "NaN", "1:60", "60:00:60", "1:2:3:4", "1.5:00", "01:02:", ":5", "1..5", ".",
            "1,5", "ms", "s", "1d", "1:30s", "2 ,5", "1,5:00",
        ] {
            assert!(time(text).is_err(), "{text}: {:?}", time(text));
        }
    }

    #[test]
    fn stretches_are_neither_nothing_nor_days() {
        for (text, seconds) in [("1s", 1.0), ("1ms", 0.001), ("0.04", 0.04), ("00:10", 10.0), ("24h", 86_400.0)] {
            assert_eq!(stretch(text), Ok(seconds), "{text}");
        }
        assert!(["0", "0.0001", "25h", "-1s", ""].iter().all(|text| stretch(text).is_err()));
    }
}

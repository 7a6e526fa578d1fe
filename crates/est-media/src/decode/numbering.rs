//! Where pictures lie in time: by the numbers in their names, or one after the other.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What places pictures in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Numbering {
    /// The number that rises in their names where there is one; else their order.
    #[default]
    Auto,
    /// Picture i is shown at i / rate seconds, whatever it is called.
    Order,
    /// The number that rises in their names; an error where there is none.
    Numbers,
    /// The same number, as milliseconds.
    Ms,
}

/// Numbers from here on are no counts of frames but a clock: 10^9 seconds after 1970 were over in 2001, and 10^9 frames take
/// a year.
const CLOCK: u64 = 1_000_000_000;
/// Pictures further apart, in seconds, are no video: a face that is followed all along would be shown in every slot between.
const MOST_S: f64 = 864_000.0;
/// Ranges of missing numbers that a warning names.
const RANGES: usize = 3;

/// When each picture of a list is shown.
pub struct Places {
    /// Units of time since the first.
    at: Vec<u64>,
    /// Units in a second.
    per_second: f64,
    /// Units from one picture to the next where none is missing.
    step: u64,
    /// What the user should know about it.
    pub warnings: Vec<String>,
}

impl Places {
    /// # Errors
    /// `numbering` asks for numbers, and the names have none that rises: says why.
    pub fn of(paths: &[PathBuf], numbering: Numbering, fps: f64) -> Result<Places, String> {
        let order = |warnings| Places { at: (0..paths.len() as u64).collect(), per_second: fps, step: 1, warnings };
        if paths.len() < 2 || numbering == Numbering::Order {
            return Ok(order(vec![]));
        }
        let found = rising(paths).and_then(|rising| choose(rising, numbering, fps));
        match (found, numbering) {
            (Ok(numbers), Numbering::Ms) => Ok(Places::clock(&numbers)),
            (Ok(numbers), _) => Ok(Places::counted(&numbers, fps)),
            (Err(why), Numbering::Auto) => {
                let warning = why.map(|why| {
                    format!(
                        "times do not follow the numbers in the pictures' names: {why}; the pictures are taken to follow \
                         each other, {fps} a second; --numbering says what else they are"
                    )
                });
                Ok(order(warning.into_iter().collect()))
            }
            (Err(why), _) => Err(why.unwrap_or_else(|| "there is no number in all of them".to_string())),
        }
    }

    fn counted(numbers: &[u64], fps: f64) -> Places {
        let at: Vec<u64> = numbers.iter().map(|number| number - numbers[0]).collect();
        let common = at.iter().fold(0, |common, &at| gcd(common, at));
        let step = if at.len() > 2 { common } else { 1 };
        let mut places = Places { at, per_second: fps, step, warnings: vec![] };
        if step > 1 {
            places.warnings.push(format!(
                "the numbers in the pictures' names rise by {step}; times follow the numbers, {fps} of them a second; if \
                 that is the pictures' rate, say --numbering order"
            ));
        }
        places.warnings.extend(places.gaps(numbers));
        places
    }

    /// Milliseconds.
    fn clock(numbers: &[u64]) -> Places {
        let at: Vec<u64> = numbers.iter().map(|number| number - numbers[0]).collect();
        let mut steps: Vec<u64> = at.windows(2).map(|two| two[1] - two[0]).collect();
        steps.sort_unstable();
        let step = steps[steps.len() / 2];
        Places { at, per_second: 1000.0, step, warnings: vec![] }
    }

    fn gaps(&self, numbers: &[u64]) -> Option<String> {
        let gaps: Vec<usize> = (1..numbers.len()).filter(|&place| self.missing_before(place) > 0).collect();
        let missing: u64 = gaps.iter().map(|&place| self.missing_before(place)).sum();
        if missing == 0 {
            return None;
        }
        let mut ranges = String::new();
        for &place in gaps.iter().take(RANGES) {
            let (from, to) = (numbers[place - 1] + self.step, numbers[place] - self.step);
            let separator = if ranges.is_empty() { "" } else { ", " };
            let _ =
                if from == to { write!(ranges, "{separator}{from}") } else { write!(ranges, "{separator}{from}-{to}") };
        }
        if gaps.len() > RANGES {
            let _ = write!(ranges, " and {} gaps more", gaps.len() - RANGES);
        }
        let all = missing + numbers.len() as u64;
        let ms = if 2 * missing > all { "; if they are milliseconds, say --numbering ms" } else { "" };
        Some(format!(
            "{missing} of {all} numbers are missing in the pictures' names ({ranges}): they have no rows, the times of the \
             others follow the numbers{ms}"
        ))
    }

    pub fn time_s(&self, place: usize) -> f64 {
        self.at[place] as f64 / self.per_second
    }

    /// Pictures that are missing directly before this one.
    pub fn missing_before(&self, place: usize) -> u64 {
        let Some(before) = place.checked_sub(1) else { return 0 };
        let apart = self.at[place] - self.at[before];
        ((apart + self.step / 2) / self.step).saturating_sub(1)
    }

    /// From the first picture's time to the end of the last.
    pub fn duration_s(&self) -> f64 {
        self.at.last().map_or(0.0, |last| (last + self.step) as f64 / self.per_second)
    }
}

/// The numbers that rise strictly over the whole list, by their place in the names.
///
/// # Errors
/// There is none. The reason is None where the names do not look as if they were numbered.
fn rising(paths: &[PathBuf]) -> Result<Vec<Vec<u64>>, Option<String>> {
    // Extensions differ, and of a pattern the folders may count.
    let names: Vec<String> = paths.iter().map(|path| path.with_extension("").to_string_lossy().into_owned()).collect();
    let mut shapes: BTreeMap<String, usize> = BTreeMap::new();
    for name in &names {
        *shapes.entry(shape(name)).or_default() += 1;
    }
    if shapes.len() > 1 {
        let (usual, count) = shapes.iter().max_by_key(|(_, count)| **count).expect("there are names");
        let unlike = names.len() - count;
        let alike: Vec<PathBuf> =
            paths.iter().zip(&names).filter(|(_, name)| shape(name) == *usual).map(|(path, _)| path.clone()).collect();
        // Where the others are numbered without a gap, their order is their time.
        let gaps = |numbers: &[u64]| numbers.windows(2).any(|two| two[1] - two[0] > 1);
        let matters = *count > unlike && rising(&alike).is_ok_and(|rising| gaps(&rising[0]));
        return Err(matters.then(|| {
            let are = if unlike == 1 { "name is" } else { "names are" };
            format!("{unlike} {are} unlike the others; a pattern (such as 'frames/img_*.png') leaves them out")
        }));
    }
    let numbers: Vec<Vec<&str>> = names.iter().map(|name| numbers(name).collect()).collect();
    // Zeros in front do not count.
    let changing: Vec<usize> =
        (0..numbers[0].len()).filter(|&k| numbers.iter().any(|of| of[k] != numbers[0][k])).collect();
    let values = |&k: &usize| numbers.iter().map(|of| of[k].parse().ok()).collect::<Option<Vec<u64>>>();
    let read: Vec<Vec<u64>> = changing.iter().filter_map(values).collect();
    let rising: Vec<Vec<u64>> = read.iter().filter(|numbers| numbers.is_sorted_by(|a, b| a < b)).cloned().collect();
    if !rising.is_empty() {
        return Ok(rising);
    }
    let twice = |of: &[u64]| of.windows(2).find(|two| two[0] == two[1]).map(|two| two[0]);
    Err(Some(match (&changing[..], &read[..]) {
        _ if numbers[0].is_empty() => return Err(None),
        ([], _) => "two pictures have the same number".to_string(),
        (_, []) => "they are too long".to_string(),
        ([_], [only]) => match twice(only) {
            Some(number) => format!("{number} comes twice"),
            None => "they do not rise from picture to picture".to_string(),
        },
        _ => "several change, and none of them rises from picture to picture".to_string(),
    }))
}

fn choose(rising: Vec<Vec<u64>>, numbering: Numbering, fps: f64) -> Result<Vec<u64>, Option<String>> {
    let span = |numbers: &[u64]| numbers[numbers.len() - 1] - numbers[0];
    let per_second = if numbering == Numbering::Ms { 1000.0 } else { fps };
    let is_clock = |numbers: &[u64]| numbers[numbers.len() - 1] >= CLOCK;
    let too_far = |numbers: &[u64]| span(numbers) as f64 / per_second > MOST_S;
    let first = rising[0].clone();
    let fits = |numbers: &Vec<u64>| !too_far(numbers) && (numbering != Numbering::Auto || !is_clock(numbers));
    let mut fitting = rising.into_iter().filter(fits);
    let found = match numbering {
        // `frame12_1690000000040`: the clock's.
        Numbering::Ms => fitting.max_by_key(|numbers| span(numbers)),
        _ => fitting.next(),
    };
    found.ok_or_else(|| {
        let (from, to) = (first[0], first[first.len() - 1]);
        Some(match too_far(&first) && !is_clock(&first) {
            true => format!("from {from} to {to} are more than ten days at {per_second} a second"),
            false => format!(
                "{from} to {to} look like a clock's, not like counted frames; in milliseconds, say --numbering ms"
            ),
        })
    })
}

const DIGITS: char = '0';

/// `frame_0`: the name with each number as one zero.
fn shape(name: &str) -> String {
    let mut shape = String::with_capacity(name.len());
    for c in name.chars() {
        match c.is_ascii_digit() {
            true if shape.ends_with(DIGITS) => {}
            true => shape.push(DIGITS),
            false => shape.push(c),
        }
    }
    shape
}

/// The numbers of a name without zeros in front.
fn numbers(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty()).map(|digits| {
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() { "0" } else { significant }
    })
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places<S: AsRef<str>>(names: &[S], numbering: Numbering) -> Result<Places, String> {
        let paths: Vec<PathBuf> = names.iter().map(|name| PathBuf::from(format!("take7/{}", name.as_ref()))).collect();
        Places::of(&paths, numbering, 25.0)
    }

    /// Times in units of 1/25 s, and the warnings.
    fn auto<S: AsRef<str>>(names: &[S]) -> (Vec<f64>, String) {
        let places = places(names, Numbering::Auto).unwrap();
        ((0..names.len()).map(|k| (25.0 * places.time_s(k)).round()).collect(), places.warnings.join("\n"))
    }

    #[test]
    fn times_follow_numbers_and_gaps_are_named() {
        let names: Vec<String> = (1..=150).filter(|k| !(50..100).contains(k)).map(|k| format!("f_{k}.png")).collect();
        let found = places(&names, Numbering::Auto).unwrap();
        assert_eq!((found.time_s(0), found.time_s(49), found.time_s(99)), (0.0, 3.96, 5.96));
        assert_eq!((found.missing_before(48), found.missing_before(49), found.missing_before(50)), (0, 50, 0));
        assert_eq!(found.duration_s(), 6.0);
        assert!(
            found.warnings[0].contains("50 of 150 numbers") && found.warnings[0].contains("(50-99)"),
            "{found:?}",
            found = found.warnings
        );
        let (at, warning) = auto(&["1", "3", "4", "8", "10", "12", "14", "15", "16", "17"].map(|k| format!("{k}.jpg")));
        assert_eq!(at, [0.0, 2.0, 3.0, 7.0, 9.0, 11.0, 13.0, 14.0, 15.0, 16.0]);
        assert!(warning.contains("7 of 17") && warning.contains("(2, 5-7, 9 and 2 gaps more)"), "{warning}");
    }

    #[test]
    fn the_number_that_rises_is_the_one() {
        for (names, at) in [
            (["s01_take2_0001.png", "s01_take2_0002.png", "s01_take2_0004.png"], [0.0, 1.0, 3.0]),
            // The first counts, and is a clock in neither.
            (["f7_t280.png", "f8_t320.png", "f10_t400.png"], [0.0, 1.0, 3.0]),
            (["1690000000040_1.png", "1690000000080_2.png", "1690000000160_4.png"], [0.0, 1.0, 3.0]),
            // Parts whose pictures are counted on.
            (["p1_99.png", "p2_100.png", "p2_102.png"], [0.0, 1.0, 3.0]),
            (["part1_8.png", "part1_9.png", "part2_11.png"], [0.0, 1.0, 3.0]),
            // Padding and extensions of any kind.
            (["9.png", "010.jpg", "12.PNG"], [0.0, 1.0, 3.0]),
            (["x.0.tif", "x.00001.tif", "x.3.tif"], [0.0, 1.0, 3.0]),
        ] {
            assert_eq!(auto(&names).0, at, "{names:?}");
        }
    }

    #[test]
    fn a_step_is_told_from_gaps() {
        let (at, warning) = auto(&["0.png", "5.png", "10.png", "20.png"]);
        assert_eq!(at, [0.0, 5.0, 10.0, 20.0]);
        assert!(warning.contains("rise by 5") && warning.contains("1 of 5 numbers are missing"), "{warning}");
        assert!(warning.contains("(15)"), "{warning}");
        // Two pictures have no step.
        let (at, warning) = auto(&["1.png", "100.png"]);
        assert!(at == [0.0, 99.0] && warning.contains("(2-99)"), "{warning}");
    }

    #[test]
    fn what_is_no_count_is_no_time() {
        for (names, says) in [
            (["img_1690000000040.png", "img_1690000000080.png", "img_1690000000120.png"], "look like a clock's"),
            (["1690000000.png", "1690000001.png", "1690000002.png"], "look like a clock's"),
            (["1.png", "2.png", "30000000.png"], "more than ten days"),
            (["1.png", "01.png", "2.png"], "1 comes twice"),
            (["1.jpg", "1.png", "2.png"], "1 comes twice"),
            (["a_1.png", "a_01.png", "a_001.png"], "the same number"),
            (["s1_1.png", "s1_2.png", "s2_1.png"], "several change"),
            (["12-00-58.png", "12-00-59.png", "12-01-00.png"], "several change"),
            (["1.png", "3.png", "cover.png"], "1 name is unlike"),
            (["99999999999999999999991.png", "99999999999999999999992.png", "99999999999999999999993.png"], "too long"),
        ] {
            let (at, warning) = auto(&names);
            assert_eq!(at, [0.0, 1.0, 2.0], "{names:?}");
            assert!(warning.contains(says) && warning.contains("--numbering"), "{names:?}: {warning}");
        }
        for names in [
            ["1.png", "2.png", "cover.png"],
            ["anna.png", "ben.png", "cleo.png"],
            ["a1.png", "b22.png", "c.png"],
            ["1.png", "2.png", "3.png"],
        ] {
            assert_eq!(auto(&names), (vec![0.0, 1.0, 2.0], String::new()), "{names:?}");
        }
        assert_eq!(auto(&["7.png"]), (vec![0.0], String::new()));
    }

    #[test]
    fn who_knows_better_says_so() {
        let clock = ["f1_1690000000040.png", "f2_1690000000073.png", "f3_1690000000240.png"];
        let found = places(&clock, Numbering::Ms).unwrap();
        assert_eq!([0, 1, 2].map(|k| found.time_s(k)), [0.0, 0.033, 0.2]);
        let gaps = ["1.png", "9.png"];
        assert_eq!(places(&gaps, Numbering::Order).unwrap().time_s(1), 0.04);
        assert_eq!(places(&["1000000000.png", "1000000001.png"], Numbering::Numbers).unwrap().time_s(1), 0.04);
        for names in [["1.png", "01.png"], ["a.png", "b.png"], ["0.png", "18446744073709551615.png"]] {
            assert!(places(&names, Numbering::Numbers).is_err(), "{names:?}");
            assert!(places(&names, Numbering::Ms).is_err(), "{names:?}");
        }
    }
}

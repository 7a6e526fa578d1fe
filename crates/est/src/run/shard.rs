//! A part of a run for one of several machines.

use est_nets::hash;

use crate::source::Input;

/// Part `index` (from 1) of `count`. A video's part follows from its name alone, so videos that come later move no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    count: u64,
}

impl Shard {
    /// `2/8`: the second of eight; `auto`: of a Slurm array; `auto/8`: of such an array or of a Kubernetes indexed job,
    /// which does not tell its tasks how many they are. `variable` looks up the environment.
    pub fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let number = |name: &str| variable(name).and_then(|value| value.parse::<u64>().ok());
        let (index, count) = match text.split_once('/') {
            None => (text, None),
            Some((index, count)) => {
                let wrong = || format!("`{count}` is no number of parts; write 2/8 for the second of eight");
                (index, Some(count.parse().map_err(|_| wrong())?))
            }
        };
        let shard = match (index, count) {
            ("auto", count) => {
                let step = number("SLURM_ARRAY_TASK_STEP").filter(|&step| step > 0).unwrap_or(1);
                let slurm = number("SLURM_ARRAY_TASK_ID").map(|task| {
                    let first = number("SLURM_ARRAY_TASK_MIN").unwrap_or(0);
                    task.saturating_sub(first) / step
                });
                let place = slurm.or_else(|| number("JOB_COMPLETION_INDEX")).ok_or(
                    "neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set; write 2/8 for the second of eight",
                )?;
                let known = slurm.and_then(|_| number("SLURM_ARRAY_TASK_COUNT"));
                let count =
                    count.or(known).ok_or("the number of parts is not known here; write auto/8 if they are eight")?;
                Shard { index: place + 1, count }
            }
            (index, Some(count)) => {
                let wrong = |_| format!("`{index}` is no number of a part; write 2/8 for the second of eight");
                Shard { index: index.parse().map_err(wrong)?, count }
            }
            _ => return Err("write 2/8 for the second of eight, or auto".to_string()),
        };
        if !(1..=shard.count).contains(&shard.index) {
            return Err(format!("there is no part {} of {}; parts count from 1", shard.index, shard.count));
        }
        Ok(shard)
    }

    pub fn holds(self, input: &Input) -> bool {
        let hash = hash::of(input.name.as_bytes());
        let number = u64::from_str_radix(&hash[..16], 16).expect("sixteen hexadecimal digits");
        number % self.count == self.index - 1
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Shard, String> {
        let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string());
        Shard::parse(text, variable)
    }

    #[test]
    fn parts_are_numbered_from_one() {
        assert_eq!(parse("2/8", &[]), Ok(Shard { index: 2, count: 8 }));
        let slurm = [("SLURM_ARRAY_TASK_ID", "7"), ("SLURM_ARRAY_TASK_MIN", "5"), ("SLURM_ARRAY_TASK_COUNT", "4")];
        assert_eq!(parse("auto", &slurm), Ok(Shard { index: 3, count: 4 }));
        let job = [("JOB_COMPLETION_INDEX", "0")];
        assert_eq!(parse("auto/4", &job), Ok(Shard { index: 1, count: 4 }));
        assert!(parse("auto", &job).unwrap_err().contains("auto/8"));
        for wrong in ["0/8", "9/8", "8", "a/8", "1/b", "auto", "1/0"] {
            assert!(parse(wrong, &[]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_video_is_in_one_part() {
        let inputs: Vec<Input> =
            (0..40).flat_map(|k| Input::expand(Path::new(&format!("video{k}.mp4"))).unwrap()).collect();
        let parts = (1..=4).map(|index| Shard { index, count: 4 });
        let counts: Vec<usize> = parts.map(|part| inputs.iter().filter(|input| part.holds(input)).count()).collect();
        assert_eq!(counts.iter().sum::<usize>(), 40);
        assert!(counts.iter().all(|&count| count > 3), "{counts:?}");
    }
}

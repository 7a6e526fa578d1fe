//! Which part of a run a task of a scheduler's array is to do.
//!
//! A task knows its own number and, of Slurm and Grid Engine, the smallest, the largest, the step and how many there are.
//! All of that is of the array as it was submitted: when task 3 of 1-4 is submitted again alone, it is told that it is the
//! only one, from 3 to 3. So an array tells the part only where it has as many tasks as there are parts. Else what earlier
//! tasks noted ([`super::part`]) tells how they were numbered; else the user has to.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::shard::Shard;

/// Which tasks are the parts: part `k` is task `first + (k - 1) * step`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Numbering {
    pub first: u64,
    pub step: u64,
}

impl Numbering {
    fn part(self, task: u64) -> Option<u64> {
        let from_first = task.checked_sub(self.first)?;
        let on_it = self.step > 0 && from_first % self.step == 0;
        on_it.then(|| from_first / self.step)?.checked_add(1)
    }

    pub(super) fn task(self, part: u64) -> Option<u64> {
        self.first.checked_add(part.checked_sub(1)?.checked_mul(self.step)?)
    }
}

/// What `--shard` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShardChoice {
    Part(Shard),
    /// The scheduler's task is a part: of so many, numbered so, where that is said.
    Auto {
        count: Option<u64>,
        numbering: Option<Numbering>,
    },
}

/// How a run was divided before: into how many parts, and of which tasks they were.
pub type Divided = (u64, Option<Numbering>);

impl std::str::FromStr for ShardChoice {
    type Err = String;

    /// `2/8`: the second of eight. `auto`: this task of an array, `auto/8`: of eight parts; `auto/8@0`: which are tasks
    /// from 0 on, `auto/8@0:4`: in steps of 4.
    fn from_str(text: &str) -> Result<Self, String> {
        const HELP: &str = "write 2/8 for the second of eight, or auto, auto/8, auto/8@0";
        let number = |text: &str, what: &str| {
            text.parse::<u64>().map_err(|_| format!("`{text}` is no {what}; write 2/8 for the second of eight"))
        };
        let Some((index, rest)) = text.split_once('/') else {
            return if text == "auto" {
                Ok(ShardChoice::Auto { count: None, numbering: None })
            } else {
                Err(HELP.to_string())
            };
        };
        if index != "auto" {
            let (index, count) = (number(index, "number of a part")?, number(rest, "number of parts")?);
            let none = || format!("there is no part {index} of {count}; parts count from 1");
            return Shard::new(index, count).map(ShardChoice::Part).ok_or_else(none);
        }
        let (count, numbering) = match rest.split_once('@') {
            None => (rest, None),
            Some((count, tasks)) => {
                let (first, step) = tasks.split_once(':').unwrap_or((tasks, "1"));
                let numbering = Numbering { first: number(first, "task")?, step: number(step, "step")? };
                (count, Some(numbering))
            }
        };
        let count = number(count, "number of parts")?;
        if count == 0 || numbering.is_some_and(|numbering| numbering.step == 0) {
            return Err(HELP.to_string());
        }
        Ok(ShardChoice::Auto { count: Some(count), numbering })
    }
}

impl ShardChoice {
    /// The part to do, and how the tasks are numbered where that is known. `variable` looks up the environment; `known`
    /// says how the same run was divided by tasks before this one.
    ///
    /// # Errors
    /// Where the part does not follow: says what to write.
    pub fn resolve(
        &self,
        variable: impl Fn(&str) -> Option<String>,
        known: impl FnOnce() -> Vec<Divided>,
    ) -> Result<(Shard, Option<Numbering>), String> {
        let (count, numbering) = match *self {
            ShardChoice::Part(shard) => return Ok((shard, None)),
            ShardChoice::Auto { count, numbering } => (count, numbering),
        };
        let task = Task::of(&variable).ok_or_else(|| {
            // Grid Engine says `undefined` to what is no array, LSF 0.
            let garbled = TASKS.into_iter().find_map(|name| Some((name, variable(name)?)));
            match garbled.filter(|(_, value)| value != "undefined" && value != "0") {
                Some((name, value)) => {
                    format!("{name} is `{value}`, which is no task of an array; write 2/8 for the second of eight")
                }
                None => format!(
                    "no array's task is known here (none of {} is set); write 2/8 for the second of eight",
                    TASKS.join(", ")
                ),
            }
        })?;
        match count {
            Some(count) => task.part_of(count, numbering, known),
            None => task.part(known),
        }
    }
}

/// Where schedulers write which task this is: Slurm, Grid Engine, PBS Professional, Torque, LSF, Kubernetes, AWS Batch.
const TASKS: [&str; 7] = [
    "SLURM_ARRAY_TASK_ID",
    "SGE_TASK_ID",
    "PBS_ARRAY_INDEX",
    "PBS_ARRAYID",
    "LSB_JOBINDEX",
    "JOB_COMPLETION_INDEX",
    "AWS_BATCH_JOB_ARRAY_INDEX",
];

/// A task of an array.
struct Task {
    variable: &'static str,
    id: u64,
    /// The scheduler numbers from 0 always.
    from_zero: bool,
    array: Option<Array>,
}

/// The array as it was submitted, perhaps a part of an earlier one.
struct Array {
    numbering: Numbering,
    last: u64,
    count: u64,
}

impl Array {
    /// Whether its tasks are all those from the first to the last by the step.
    fn is_even(&self) -> bool {
        let Numbering { first, step } = self.numbering;
        step > 0 && self.last.checked_sub(first).is_some_and(|span| span / step + 1 == self.count)
    }
}

impl Task {
    fn of(variable: &impl Fn(&str) -> Option<String>) -> Option<Task> {
        let number = |name: &str| variable(name).and_then(|value| value.trim().parse::<u64>().ok());
        let array = |first: &str, last: &str, step: &str, count: Option<&str>| {
            let numbering = Numbering { first: number(first)?, step: number(step).unwrap_or(1) };
            let last = number(last)?;
            let by_step = last.checked_sub(numbering.first)?.checked_div(numbering.step)?.checked_add(1)?;
            let count = count.map_or(Some(by_step), number)?;
            Some(Array { numbering, last, count })
        };
        let task =
            |name: &'static str| number(name).map(|id| Task { variable: name, id, from_zero: false, array: None });
        let from_zero = |name| task(name).map(|task| Task { from_zero: true, ..task });
        if let Some(task) = task("SLURM_ARRAY_TASK_ID") {
            let [first, last, step] = ["MIN", "MAX", "STEP"].map(|what| format!("SLURM_ARRAY_TASK_{what}"));
            return Some(Task { array: array(&first, &last, &step, Some("SLURM_ARRAY_TASK_COUNT")), ..task });
        }
        // Grid Engine says `undefined` to what is no array, LSF 0.
        if let Some(task) = task("SGE_TASK_ID") {
            return Some(Task { array: array("SGE_TASK_FIRST", "SGE_TASK_LAST", "SGE_TASK_STEPSIZE", None), ..task });
        }
        let pbs = task("PBS_ARRAY_INDEX").or_else(|| task("PBS_ARRAYID"));
        let others = pbs.or_else(|| task("LSB_JOBINDEX").filter(|task| task.id > 0));
        others.or_else(|| from_zero("JOB_COMPLETION_INDEX")).or_else(|| from_zero("AWS_BATCH_JOB_ARRAY_INDEX"))
    }

    /// Which of `count` parts it is.
    fn part_of(
        &self,
        count: u64,
        numbering: Option<Numbering>,
        known: impl FnOnce() -> Vec<Divided>,
    ) -> Result<(Shard, Option<Numbering>), String> {
        if let Some(numbering) = numbering.or(self.from_zero.then_some(Numbering { first: 0, step: 1 })) {
            return self.by(numbering, count);
        }
        if let Some(array) = &self.array {
            if array.count == count && array.is_even() {
                return self.by(array.numbering, count);
            }
            if array.count > count {
                return Err(format!(
                    "the array has {} tasks and auto/{count} is of {count} parts; write auto/{0}, or make it {count} tasks",
                    array.count
                ));
            }
        }
        // However tasks were numbered, 0 was the first.
        if let (0, Some(first)) = (self.id, Shard::new(1, count)) {
            return Ok((first, None));
        }
        let known: Vec<Divided> = known().into_iter().filter(|(of, _)| *of == count).collect();
        match settled(&known) {
            Some((_, numbering)) => self.by(numbering, count),
            None => Err(self.unclear(count)),
        }
    }

    /// Which part it is, of as many as its array or those before it had.
    fn part(&self, known: impl FnOnce() -> Vec<Divided>) -> Result<(Shard, Option<Numbering>), String> {
        let Some(array) = &self.array else {
            return Err(format!("{} does not tell the number of parts; write auto/8 if they are eight", self.variable));
        };
        let known = known();
        // Nobody has reason for an array of one but that it was part of another.
        let is_whole = array.is_even() && array.numbering.first <= 1 && array.count > 1;
        let other = known.iter().map(|(count, _)| *count).find(|&count| count != array.count);
        match (is_whole, other) {
            (true, None) => self.by(array.numbering, array.count),
            (true, Some(other)) => Err(format!(
                "this array has {0} tasks, but the same videos were begun in {other} parts here or in a folder beside; write \
                 --shard auto/{other} if these tasks are some of those, --shard auto/{0} if not",
                array.count
            )),
            (false, _) => match settled(&known) {
                Some((count, numbering)) => self.by(numbering, count),
                None => Err(format!(
                    "{}, and may be {} of a longer one submitted again; write how many parts there are in all, like \
                     --shard auto/8, and the first task where it is not as this array has it, like --shard auto/8@1",
                    self.array_in_words(),
                    if array.count == 1 { "one" } else { "some" }
                )),
            },
        }
    }

    fn by(&self, numbering: Numbering, count: u64) -> Result<(Shard, Option<Numbering>), String> {
        let Numbering { first, step } = numbering;
        let none = || {
            let steps = if step == 1 { String::new() } else { format!(" in steps of {step}") };
            format!(
                "task {} ({}) is none of {count} parts that are tasks from {first} on{steps}; write the part itself, like \
                 --shard 1/{count}",
                self.id, self.variable
            )
        };
        let shard = numbering.part(self.id).and_then(|part| Shard::new(part, count));
        shard.map(|shard| (shard, Some(numbering))).ok_or_else(none)
    }

    fn array_in_words(&self) -> String {
        match &self.array {
            Some(Array { count: 1, .. }) => format!("this array is task {} alone ({})", self.id, self.variable),
            Some(Array { count, numbering, last }) => {
                format!("this array has {count} tasks from {} to {last}", numbering.first)
            }
            None => format!("task {} ({}) is all that is known of this array", self.id, self.variable),
        }
    }

    /// The ways to say which part is meant.
    fn unclear(&self, count: u64) -> String {
        let from = |first: u64| {
            let part = Numbering { first, step: 1 }.part(self.id).filter(|&part| part <= count)?;
            Some(format!("--shard auto/{count}@{first} if the whole array was numbered from {first} (part {part})"))
        };
        let mut ways: Vec<String> = [1, 0].into_iter().filter_map(from).collect();
        ways.push(format!("--shard auto/{count}@FIRST:STEP if it was numbered in another way"));
        ways.push(format!("or the part itself, like --shard {}/{count}", self.id.clamp(1, count)));
        format!(
            "{}, which does not tell which of {count} parts this is; write {}",
            self.array_in_words(),
            ways.join(", ")
        )
    }
}

/// What all that tell say alike.
fn settled(known: &[Divided]) -> Option<(u64, Numbering)> {
    let mut told = known.iter().filter_map(|(count, numbering)| numbering.map(|numbering| (*count, numbering)));
    let first = told.next()?;
    told.all(|other| other == first).then_some(first)
}

/// As `--shard` takes it.
impl fmt::Display for ShardChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShardChoice::Part(shard) => shard.fmt(f),
            ShardChoice::Auto { count: None, .. } => f.write_str("auto"),
            ShardChoice::Auto { count: Some(count), numbering: None } => write!(f, "auto/{count}"),
            ShardChoice::Auto { count: Some(count), numbering: Some(Numbering { first, step: 1 }) } => {
                write!(f, "auto/{count}@{first}")
            }
            ShardChoice::Auto { count: Some(count), numbering: Some(Numbering { first, step }) } => {
                write!(f, "auto/{count}@{first}:{step}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Answer = Result<(u64, u64), String>;

    fn resolve(text: &str, variables: &[(&str, u64)], known: &[Divided]) -> Answer {
        let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string());
        let choice: ShardChoice = text.parse()?;
        assert_eq!(choice.to_string(), text, "what it is called");
        let (shard, _) = choice.resolve(variable, || known.to_vec())?;
        Ok((shard.index(), shard.count()))
    }

    /// A Slurm task as its array's `--array=` makes it.
    fn slurm(text: &str, [id, min, max, count, step]: [u64; 5], known: &[Divided]) -> Answer {
        let names = ["ID", "MIN", "MAX", "COUNT", "STEP"].map(|what| format!("SLURM_ARRAY_TASK_{what}"));
        let values = [id, min, max, count, step];
        let variables: Vec<(&str, u64)> = names.iter().map(String::as_str).zip(values).collect();
        resolve(text, &variables, known)
    }

    fn refused(answer: Answer, texts: &[&str]) {
        let error = answer.unwrap_err();
        assert!(texts.iter().all(|text| error.contains(text)), "{texts:?} in: {error}");
    }

    #[test]
    fn whole_arrays_tell_the_part_however_they_are_numbered() {
        // 1-4, 0-3, 5-8, 0-12:4 with the largest as it is and as it was written.
        for (array, part) in [
            ([3, 1, 4, 4, 1], 3),
            ([3, 0, 3, 4, 1], 4),
            ([7, 5, 8, 4, 1], 3),
            ([8, 0, 12, 4, 4], 3),
            ([12, 0, 15, 4, 4], 4),
        ] {
            assert_eq!(slurm("auto/4", array, &[]), Ok((part, 4)), "{array:?}");
        }
        assert_eq!(slurm("auto", [3, 1, 4, 4, 1], &[]), Ok((3, 4)));
        assert_eq!(slurm("auto", [3, 0, 3, 4, 1], &[(4, None)]), Ok((4, 4)));
        let sge = [("SGE_TASK_ID", 5), ("SGE_TASK_FIRST", 1), ("SGE_TASK_LAST", 7), ("SGE_TASK_STEPSIZE", 2)];
        assert_eq!(resolve("auto/4", &sge, &[]), Ok((3, 4)));
    }

    #[test]
    fn some_tasks_again_are_never_another_part() {
        let alone = [3, 3, 3, 1, 1];
        refused(slurm("auto/4", alone, &[]), &["auto/4@1", "(part 3)", "auto/4@0", "(part 4)", "--shard 3/4"]);
        refused(slurm("auto", alone, &[]), &["task 3 alone", "auto/8@1"]);
        refused(slurm("auto", [1, 1, 1, 1, 1], &[]), &["auto/8"]);
        refused(slurm("auto", [6, 5, 8, 4, 1], &[]), &["4 tasks from 5 to 8", "auto/8@1"]);
        // Said, or known from those before.
        let [from_one, from_zero] = [1, 0].map(|first| Some(Numbering { first, step: 1 }));
        assert_eq!(slurm("auto/4@1", alone, &[]), Ok((3, 4)));
        assert_eq!(slurm("auto/4@0", alone, &[]), Ok((4, 4)));
        assert_eq!(slurm("auto/4", alone, &[(4, from_one), (4, from_one), (4, None)]), Ok((3, 4)));
        assert_eq!(slurm("auto/4", alone, &[(4, from_zero), (8, from_one)]), Ok((4, 4)));
        assert_eq!(slurm("auto", alone, &[(4, from_one)]), Ok((3, 4)));
        refused(slurm("auto/4", alone, &[(4, from_one), (4, from_zero)]), &["auto/4@1"]);
        refused(slurm("auto/4", alone, &[(4, None), (8, from_one)]), &["auto/4@1"]);
        let stepped = Some(Numbering { first: 0, step: 4 });
        assert_eq!(slurm("auto/4", [8, 8, 8, 1, 1], &[(4, stepped)]), Ok((3, 4)));
        assert_eq!(slurm("auto/4@0:4", [8, 8, 8, 1, 1], &[]), Ok((3, 4)));
        refused(slurm("auto/4@0:4", [9, 9, 9, 1, 1], &[]), &["task 9", "none of 4 parts", "steps of 4"]);
        // The first is the first.
        assert_eq!(slurm("auto/4", [0, 0, 0, 1, 1], &[]), Ok((1, 4)));
        // The first two of four again look like two of two; those before know better.
        assert_eq!(slurm("auto/4", [2, 1, 2, 2, 1], &[(4, from_one)]), Ok((2, 4)));
        refused(slurm("auto", [2, 1, 2, 2, 1], &[(4, from_one)]), &["begun in 4 parts", "auto/4", "auto/2"]);
    }

    #[test]
    fn sparse_and_long_arrays_are_refused() {
        for step in [1, 2] {
            refused(slurm("auto/3", [3, 1, 7, 3, step], &[]), &["3 tasks from 1 to 7", "--shard 3/3"]);
            refused(slurm("auto", [3, 1, 7, 3, step], &[]), &["auto/8"]);
        }
        assert_eq!(slurm("auto/8@1", [3, 1, 7, 3, 2], &[]), Ok((3, 8)), "three of eight again");
        refused(slurm("auto/2", [3, 1, 4, 4, 1], &[]), &["has 4 tasks", "auto/4"]);
        // By chance as even as its step: tasks 1, 3, 6.
        refused(slurm("auto/3", [6, 1, 6, 3, 2], &[]), &["task 6", "none of 3"]);
        for wild in [[u64::MAX, 0, u64::MAX, 2, 1], [5, 9, 1, 3, 1], [3, 1, 4, 4, 0], [1, 1, 1, 0, 1]] {
            assert!(slurm("auto/4", wild, &[]).is_err(), "{wild:?}");
        }
    }

    #[test]
    fn other_schedulers() {
        for name in ["JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX"] {
            assert_eq!(resolve("auto/4", &[(name, 0)], &[]), Ok((1, 4)));
            assert_eq!(resolve("auto/4", &[(name, 3)], &[]), Ok((4, 4)));
            refused(resolve("auto/4", &[(name, 4)], &[]), &["task 4", "none of 4 parts"]);
            refused(resolve("auto", &[(name, 1)], &[]), &[name, "auto/8"]);
        }
        for name in ["PBS_ARRAY_INDEX", "PBS_ARRAYID", "LSB_JOBINDEX", "SGE_TASK_ID", "SLURM_ARRAY_TASK_ID"] {
            refused(resolve("auto/4", &[(name, 3)], &[]), &[name, "auto/4@1", "auto/4@0"]);
            assert_eq!(resolve("auto/4@1", &[(name, 3)], &[]), Ok((3, 4)));
        }
        assert!(resolve("auto/4", &[("LSB_JOBINDEX", 0)], &[]).unwrap_err().contains("no array's task"));
        assert_eq!(resolve("auto/4@1", &[("SLURM_ARRAY_TASK_ID", 2), ("JOB_COMPLETION_INDEX", 2)], &[]), Ok((2, 4)));
    }

    #[test]
    fn what_is_written() {
        assert_eq!(resolve("2/8", &[], &[]), Ok((2, 8)));
        for wrong in [
            "0/8",
            "9/8",
            "8",
            "a/8",
            "1/b",
            "1/0",
            "auto/0",
            "auto/4@",
            "auto/4@1:0",
            "auto/4@x",
            "auto@1",
            "3/4@1",
            "",
        ] {
            assert!(wrong.parse::<ShardChoice>().is_err(), "{wrong}");
        }
        refused(resolve("auto", &[], &[]), &["2/8"]);
        for (value, text) in [("abc", "SLURM_ARRAY_TASK_ID is `abc`"), ("undefined", "none of SLURM_ARRAY_TASK_ID")] {
            let variable = |name: &str| (name == "SLURM_ARRAY_TASK_ID").then(|| value.to_string());
            let choice: ShardChoice = "auto".parse().unwrap();
            let error = choice.resolve(variable, Vec::new).unwrap_err();
            assert!(error.contains(text), "{error}");
        }
    }
}

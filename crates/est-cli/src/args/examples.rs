//! Examples of every command, shown below its help. A test parses each of them.

use clap::{Command, CommandFactory};

use super::Args;

/// What is shown for a command: lines of `est ...` and, behind two spaces and `#`, what they are for.
const EXAMPLES: &[(&str, &str)] = &[
    (
        "predict",
        "est predict interview.mp4  # rows into est-results/interview.csv
est predict interviews --out results --format csv,html  # every video of a folder
est predict interviews --out part-2 --shard 2/8 --purpose pilot --retain 90
est predict interview.mp4 --format mp4 --blur  # annotated, faces unrecognisable
est predict cam:0 --consent  # a camera
est predict session.mkv --start 01:30 --end 02:45.5 --stream 2  # a part, of the second camera
est predict interview.mp4 --every 1s  # a row a second for each face
est predict cam:0 --consent --format jsonl --out -  # rows as they come, for another program
est predict clips --weights model.est --crops  # frames that already are face crops",
    ),
    (
        "prepare",
        "est prepare dfew --root DFEW --out prepared/dfew  # a known data set
est prepare own --root videos --list clips.csv --out prepared/mine --folds 5  # any table of clips",
    ),
    (
        "synth",
        "est synth --out synthetic --subjects 100  # 3D heads
est synth --preview sheet.jpg --profile strong  # a look at the classes
est synth --out portraits --portraits london --blends --subjects 300 --size 112  # animated photographs",
    ),
    ("join", "est join train=synthetic train=own validation=held-out --out both  # one set, with a split"),
    (
        "eval",
        "est eval --data prepared/dfew --weights model.est --round fold-1 --out scores
est eval --data prepared/smiles --restrict-classes --out scores  # the default weights, fewer classes
est eval --data prepared/dfew --classes angry,happy,sad --out scores  # these alone",
    ),
    ("compare", "est compare scores/a scores/b  # two evaluations of the same clips"),
    ("calibrate", "est calibrate --data prepared/dfew --weights model.est --round fold-1 --out calibrated.est"),
    ("explain", "est explain --data synthetic --weights model.est --against without-ssop.est --out figures"),
    (
        "train",
        "est train --data prepared/dfew --out runs/1  # the paper's training
est train --data prepared/dfew --config small.toml --out runs/2 --resume",
    ),
    ("crossval", "est crossval --data prepared/dfew --out runs/all --seeds 1,2,3"),
    ("ablate", "est ablate --data prepared/bu --table average,5 --seeds 1,2,3 --out runs/table5"),
    (
        "complexity",
        "est complexity  # beside the paper's figures
est complexity paper  # part by part",
    ),
    (
        "weights",
        "est weights import checkpoint.pth model.est  # a PyTorch checkpoint
est weights import model.safetensors.index.json model.est  # one in several files
est weights import checkpoint.ckpt model.est --prefix ema  # of two networks the average
est weights show model.est --tensors
est weights shrink model.est small.est  # for prediction only",
    ),
    (
        "doctor",
        "est doctor  # what is installed
est doctor --kernels  # which kernel runs each layer",
    ),
    (
        "merge",
        "est merge results part-1 part-2  # what two shards made
est merge results part-* --partial  # what is there, though parts are missing",
    ),
    (
        "purge",
        "est purge results --dry-run  # what would be deleted
est purge --expired results --yes  # what --retain says is over",
    ),
    (
        "import",
        "est import openface processed/a.csv --out a.csv
est import pyfeat fex.csv --out a.csv --fps 25",
    ),
    (
        "config",
        "est config show predict  # what it would run with
est config path",
    ),
    ("licenses", "est licenses --crates"),
    ("completions", "est completions bash  # into ~/.local/share/bash-completion/completions/est"),
    ("man", "est man man1  # man ./man1/est-predict.1"),
];

/// The command line with its examples.
pub fn program() -> Command {
    let mut program = Args::command();
    for (name, examples) in EXAMPLES {
        program =
            program.mut_subcommand(name, |command| command.after_help(format!("Examples:\n{}", indented(examples))));
    }
    program
}

fn indented(examples: &str) -> String {
    examples.lines().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_examples_that_parse() {
        for command in program().get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = command.get_name();
            let examples: Vec<&str> =
                EXAMPLES.iter().filter(|(named, _)| *named == name).flat_map(|(_, lines)| lines.lines()).collect();
            assert!(!examples.is_empty(), "no example of {name}");
            for example in examples {
                let line = example.split("  #").next().unwrap();
                let words = line.split_whitespace().map(|word| word.trim_matches('\''));
                let parsed = program().try_get_matches_from(words);
                let matches = parsed.unwrap_or_else(|error| panic!("{example}: {error}"));
                assert_eq!(matches.subcommand_name(), Some(name), "{example}");
            }
        }
    }
}

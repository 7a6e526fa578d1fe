//! A report for people.

use std::fmt::Write as _;

use est_data::protocol::Selection;

use super::{Report, Round};
use crate::intervals::Interval;
use crate::outcome::Faceless;

/// A share in percent.
pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_string(), |share| format!("{:.2}", 100.0 * share))
}

pub(super) fn between(interval: Option<Interval>) -> String {
    interval.map_or("-".to_string(), |Interval { low, high }| format!("{:.2} to {:.2}", 100.0 * low, 100.0 * high))
}

/// A Markdown table.
pub(super) fn table(text: &mut String, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    writeln!(text, "| {} |", header.join(" | ")).expect("a String takes all");
    writeln!(text, "|{}", " --- |".repeat(header.len())).expect("a String takes all");
    for row in rows {
        // A bar would end the cell.
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        writeln!(text, "| {} |", cells.join(" | ")).expect("a String takes all");
    }
    text.push('\n');
}

impl Report {
    /// Everything that is in the JSON, for people. Shares in percent.
    pub fn markdown(&self) -> String {
        let record = self.record();
        let mut text = String::new();
        let untrained = if record.model.trained { "" } else { " (untrained: the scores mean nothing)" };
        text += &format!("# {} on {}{untrained}\n\n", record.model.id, record.set.name);
        text += &format!("Outputs are {}.\n\n", self.notice);
        text += &self.selection();
        text += &self.counts();
        self.scores(&mut text);
        self.classes_table(&mut text);
        self.confusion_table(&mut text);
        if self.rounds.len() > 1 {
            self.rounds_table(&mut text);
        }
        self.calibration_tables(&mut text);
        self.subgroup_tables(&mut text);
        self.made_with(&mut text);
        text
    }

    fn selection(&self) -> String {
        let selection = self.record().selection;
        let meaning = match selection {
            Selection::InnerValidation => "the epoch was chosen on training subjects that were held out",
            Selection::LastEpoch => "the last epoch, fixed beforehand",
            Selection::BestOnTest => {
                "**the epoch was chosen on the very clips that are scored: the scores are too high**"
            }
            Selection::Unstated => "nobody has said how the epoch was chosen",
        };
        format!("Selection protocol: `{selection}` ({meaning}).\n\n")
    }

    fn counts(&self) -> String {
        let Report { pooled, options, .. } = self;
        let record = self.record();
        let how = match options.faceless {
            Faceless::Error => "counted as errors",
            Faceless::Skip => "left out",
        };
        let mut text = format!(
            "{} clips scored, part `{}`; {} clips without a face, {how}.\n\n",
            pooled.metrics.clips, record.part, pooled.faceless
        );
        if !record.left_out.is_empty() {
            text += &format!("Clips of other classes are left out: {}.\n\n", record.left_out.join(", "));
        }
        if record.restricted {
            text += "The model has more classes than are scored; it was asked to choose among these.\n\n";
        }
        if let Some((from, to)) = record.resized {
            text += &format!("The set's crops, {from} pixels, were resized to the model's {to}.\n\n");
        }
        if let Some(share) = record.middle {
            text += &format!(
                "Of the set's crops the middle {:.1} % of the side was read, as tight as the model's.\n\n",
                100.0 * share
            );
        }
        text
    }

    fn scores(&self, text: &mut String) {
        let (metrics, intervals) = (&self.pooled.metrics, &self.pooled.intervals);
        let level = 100.0 * self.options.bootstrap.level;
        let header = ["score", "%", &format!("{level}% interval")];
        let rows = [
            ("WAR", metrics.war, intervals.war),
            ("UAR", metrics.uar, intervals.uar),
            ("macro F1", metrics.macro_f1, intervals.macro_f1),
            ("kappa x 100", metrics.kappa, intervals.kappa),
        ];
        let row = |(name, score, interval): (&str, Option<f64>, Option<Interval>)| {
            vec![name.to_string(), percent(score), between(interval)]
        };
        table(text, &header, rows.map(row));
        *text += &format!(
            "Intervals: percentile bootstrap over {} subjects, B = {}, seed {}.\n\n",
            intervals.subjects, self.options.bootstrap.resamples, self.options.bootstrap.seed
        );
    }

    fn classes_table(&self, text: &mut String) {
        *text += "## Classes\n\n";
        let metrics = &self.pooled.metrics;
        let row = |class: usize| {
            let scores = [metrics.recall[class], metrics.precision[class], metrics.f1[class]];
            let mut cells = vec![self.classes[class].clone(), metrics.support[class].to_string()];
            cells.extend(scores.map(percent));
            cells
        };
        table(text, &["class", "clips", "recall", "precision", "F1"], (0..self.classes.len()).map(row));
    }

    fn confusion_table(&self, text: &mut String) {
        *text += "Clips of each class (row), by the class said (column):\n\n";
        let confusion = &self.pooled.confusion;
        let mut header = vec![""];
        header.extend(self.classes.iter().map(String::as_str));
        header.push("no face");
        let row = |class: usize| {
            let mut cells = vec![self.classes[class].clone()];
            cells.extend(confusion.counts[class].iter().chain([&confusion.faceless[class]]).map(u64::to_string));
            cells
        };
        table(text, &header, (0..self.classes.len()).map(row));
    }

    fn rounds_table(&self, text: &mut String) {
        *text += "## Rounds\n\n";
        let row = |round: &Round| {
            let metrics = &round.metrics;
            let mut cells = vec![round.record.round_name().to_string(), metrics.clips.to_string()];
            cells.push(round.faceless.to_string());
            cells.extend([metrics.war, metrics.uar, metrics.macro_f1, metrics.kappa].map(percent));
            cells.push(round.record.seed.map_or("-".to_string(), |seed| seed.to_string()));
            cells.push(format!("`{}`", short(&round.record.model.weights_sha256)));
            cells
        };
        let header = ["round", "clips", "no face", "WAR", "UAR", "macro F1", "kappa x 100", "seed", "weights"];
        table(text, &header, self.rounds.iter().map(row));
        if let (Some(war), Some(uar)) = (self.war_over_rounds, self.uar_over_rounds) {
            *text += &format!(
                "Mean over rounds (sample deviation): WAR {} ({}), UAR {} ({}). Rounds share training clips, so the \
                 intervals above are the ones to quote.\n\n",
                percent(Some(war.mean)),
                percent(Some(war.deviation)),
                percent(Some(uar.mean)),
                percent(Some(uar.deviation))
            );
        }
    }

    fn calibration_tables(&self, text: &mut String) {
        *text += "## Calibration\n\n";
        let Some(calibration) = &self.pooled.calibration else {
            *text += "No clip has a face.\n\n";
            return;
        };
        *text += &format!(
            "ECE {:.4} over {} equally wide bins, negative log-likelihood {:.4}, Brier score {:.4}, on the {} clips with a \
             face; temperature {}.\n\n",
            calibration.ece,
            calibration.bins.len(),
            calibration.nll,
            calibration.brier,
            calibration.clips,
            self.record().model.temperature
        );
        let row = |at: &crate::calibration::Abstention| {
            vec![percent(Some(at.coverage)), format!("{:.3}", at.threshold), percent(Some(at.war))]
        };
        *text += "If the model is silent below a threshold of its largest probability:\n\n";
        let some = calibration.abstention.iter().filter(|at| at.coverage > 0.09).step_by(2);
        table(text, &["clips answered", "threshold", "WAR of those"], some.map(row));
    }

    fn subgroup_tables(&self, text: &mut String) {
        let Some(subgroups) = &self.subgroups else { return };
        *text += "## Subgroups\n\n";
        *text += &format!(
            "By attributes that the user supplied; nothing was inferred. Groups of fewer than {} clips are not scored. {} \
             rows of the table name nothing that was scored.\n\n",
            subgroups.minimum, subgroups.unused
        );
        let row = |group: &crate::subgroups::Subgroup| {
            let mut cells = vec![group.attribute.clone(), group.value.clone()];
            cells.extend([group.clips, group.subjects].map(|count| count.to_string()));
            match &group.scores {
                None => cells.extend(["too few", "", "too few", ""].map(String::from)),
                Some((metrics, intervals)) => {
                    cells.extend([percent(metrics.war), between(intervals.war)]);
                    cells.extend([percent(metrics.uar), between(intervals.uar)]);
                }
            }
            cells
        };
        let header = ["attribute", "value", "clips", "subjects", "WAR", "interval", "UAR", "interval"];
        table(text, &header, subgroups.groups.iter().map(row));
    }

    fn made_with(&self, text: &mut String) {
        *text += "## Made with\n\n";
        let record = self.record();
        let seeds: Vec<String> =
            self.rounds.iter().filter_map(|round| round.record.seed).map(|s| s.to_string()).collect();
        let split = record.split.as_ref();
        let config = serde_json::to_string(&record.model.config).expect("configurations are plain data");
        let rows = [
            ("est", record.est_version.clone()),
            ("command", format!("`{}`", record.command)),
            ("set", format!("{} `{}`", record.set.name, record.set.sha256)),
            ("split", split.map_or("none".to_string(), |split| format!("{} `{}`", split.name, split.sha256))),
            ("weights", format!("`{}`", record.model.weights_sha256)),
            ("encoder arithmetic", record.encoder_arithmetic.clone()),
            ("source of the weights", record.model.provenance.source.clone()),
            ("seeds of the training", if seeds.is_empty() { "unstated".to_string() } else { seeds.join(", ") }),
            ("network", format!("`{config}`")),
        ];
        table(text, &["what", "value"], rows.map(|(what, value)| vec![what.to_string(), value]));
    }
}

/// The first digits of a hash: enough to tell two apart.
fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

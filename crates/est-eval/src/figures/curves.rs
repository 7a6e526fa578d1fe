//! Learning curves from a training's log.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::axes::{Axes, Axis};
use super::colour;
use super::svg::Svg;
use crate::error::EvalError;

/// Every number of a log over the epochs: by name, (epoch, value) in the order of the epochs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curves(pub BTreeMap<String, Vec<(f64, f64)>>);

impl Curves {
    /// Reads a log of JSON lines: objects with a whole number `epoch` and other numbers, such as `train_loss` or `val_war`;
    /// where a line has a text `kind`, it goes before the names: `validation_war`. An epoch's value is the mean of its
    /// lines. Other lines are passed over.
    ///
    /// # Errors
    /// When the file cannot be read, or no line has an epoch and another number.
    pub fn read(path: &Path) -> Result<Curves, EvalError> {
        let bytes = std::fs::read(path).map_err(EvalError::read(path))?;
        let text = String::from_utf8_lossy(&bytes);
        let mut found: BTreeMap<String, BTreeMap<u64, Vec<f64>>> = BTreeMap::new();
        for line in text.lines() {
            let Ok(Value::Object(fields)) = serde_json::from_str(line) else { continue };
            let Some(epoch) = fields.get("epoch").and_then(Value::as_u64) else { continue };
            let before = fields.get("kind").and_then(Value::as_str).map_or(String::new(), |kind| format!("{kind}_"));
            for (name, value) in fields.iter().filter(|(name, _)| *name != "epoch") {
                if let Some(value) = value.as_f64() {
                    found.entry(format!("{before}{name}")).or_default().entry(epoch).or_default().push(value);
                }
            }
        }
        if found.is_empty() {
            let problem = "no line is a JSON object with `epoch` and another number; give the log of a training";
            return Err(EvalError::file(path, problem));
        }
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        let points = |epochs: BTreeMap<u64, Vec<f64>>| {
            epochs.into_iter().map(|(epoch, values)| (epoch as f64, mean(values))).collect()
        };
        Ok(Curves(found.into_iter().map(|(name, epochs)| (name, points(epochs))).collect()))
    }

    fn like<'a>(&'a self, words: &'a [&str]) -> Vec<(&'a str, &'a [(f64, f64)])> {
        let fits = |name: &str| name.split('_').any(|word| words.contains(&word));
        // A network without the SSOP head logs its order loss as 0: nothing was measured.
        let measured = |points: &[(f64, f64)]| points.iter().any(|point| point.1 != 0.0);
        let curves = self.0.iter().filter(|(name, points)| fits(name) && measured(points));
        curves.map(|(name, points)| (name.as_str(), points.as_slice())).collect()
    }
}

/// Losses above, scores below: names with the words loss, nll or ce; war, uar, f1, accuracy or kappa.
pub fn learning_curves(curves: &Curves) -> String {
    let panels = [
        ("Loss", "loss", curves.like(&["loss", "nll", "ce"])),
        ("Scores", "share", curves.like(&["war", "uar", "f1", "accuracy", "kappa"])),
    ];
    let mut svg = Svg::new(780.0, 640.0);
    for (k, (title, label, curves)) in panels.iter().enumerate() {
        let points = || curves.iter().flat_map(|(_, points)| points.iter());
        let last = points().map(|point| point.0).fold(1.0, f64::max);
        let high = points().map(|point| point.1).fold(0.0, f64::max);
        let low = points().map(|point| point.1).fold(0.0, f64::min);
        let area = [70.0, 40.0 + 300.0 * k as f64, 520.0, 220.0];
        // An epoch is whole.
        let x = Axis::new("epoch", 0.0, last, (last as usize).min(8));
        let axes = Axes { area, x, y: Axis::new(label, low, 1.05 * high.max(1e-9), 5) };
        axes.draw(&mut svg, title);
        for (k, (_, points)) in curves.iter().enumerate() {
            let points: Vec<(f64, f64)> = points.iter().map(|&(epoch, value)| axes.at(epoch, value)).collect();
            // Dashes let a curve below show where two are the same.
            svg.line(&points, colour(k), 1.8, ["", "6 4"][k % 2]);
        }
        let entries: Vec<(&str, &str)> = curves.iter().enumerate().map(|(k, (name, _))| (*name, colour(k))).collect();
        Axes::legend(&mut svg, (605.0, area[1] + 14.0), &entries);
    }
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_becomes_curves() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let log = "{\"epoch\":1,\"order_loss\":0.0}\n{\"event\":\"begun\",\"seed\":1}\n{\"epoch\":0,\"train_loss\":2.0,\"note\":\"x\"}\nnot json\n\
                   {\"epoch\":1,\"train_loss\":1.5,\"val_war\":0.4}\n{\"epoch\":1,\"train_loss\":1.0}\n\
                   {\"kind\":\"validation\",\"epoch\":1,\"uar\":0.3}\n{\"epo";
        std::fs::write(&path, log).unwrap();
        let curves = Curves::read(&path).unwrap();
        assert_eq!(curves.0["train_loss"], [(0.0, 2.0), (1.0, 1.25)]);
        assert_eq!(curves.0["val_war"], [(1.0, 0.4)]);
        assert_eq!(curves.0["validation_uar"], [(1.0, 0.3)]);
        let svg = learning_curves(&curves);
        assert!(svg.contains("train_loss") && svg.contains("val_war"));
        assert!(!svg.contains("order_loss"), "it is 0 throughout");
        std::fs::write(&path, "hello").unwrap();
        assert!(Curves::read(&path).unwrap_err().to_string().contains("epoch"));
    }
}

//! How the epoch of a training is chosen.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which of the weights that a training goes through are handed out and scored. A score means little without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// The best epoch on clips of the training subjects that were held out of the training.
    InnerValidation,
    /// The last epoch, fixed beforehand.
    #[serde(alias = "last")]
    LastEpoch,
    /// The best epoch on the very clips that are scored, as papers of the field do: too high.
    BestOnTest,
    /// Nobody has said: of weights from elsewhere. No training can be asked for it.
    #[default]
    Unstated,
}

impl Selection {
    pub const ALL: [Selection; 4] =
        [Selection::InnerValidation, Selection::LastEpoch, Selection::BestOnTest, Selection::Unstated];

    /// The protocol of that name; `last` is short for `last-epoch`.
    pub fn named(name: &str) -> Option<Selection> {
        let name = if name == "last" { "last-epoch" } else { name };
        Selection::ALL.into_iter().find(|selection| selection.name() == name)
    }

    /// As in a config, a weights file and a report.
    pub fn name(self) -> &'static str {
        match self {
            Selection::InnerValidation => "inner-validation",
            Selection::LastEpoch => "last-epoch",
            Selection::BestOnTest => "best-on-test",
            Selection::Unstated => "unstated",
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_everywhere() {
        for selection in Selection::ALL {
            assert_eq!(serde_json::to_value(selection).unwrap(), selection.name());
            assert_eq!(Selection::named(selection.name()), Some(selection));
        }
        assert_eq!(serde_json::from_str::<Selection>("\"last\"").unwrap(), Selection::LastEpoch);
        assert_eq!(Selection::named("last"), Some(Selection::LastEpoch));
    }
}

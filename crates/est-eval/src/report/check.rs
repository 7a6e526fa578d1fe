//! Whether predictions may stand in one report.

use crate::error::EvalError;
use crate::metrics::Metrics;
use crate::predictions::{Predictions, Record};

/// That the rounds belong together; the record of the first.
pub(super) fn alike(rounds: &[Predictions]) -> Result<&Record, EvalError> {
    let different = |what: String| Err(EvalError::Different(what));
    let Some(Predictions { record: first, .. }) = rounds.first() else {
        return different("there are no predictions to report on".to_string());
    };
    for (k, Predictions { record, .. }) in rounds.iter().enumerate() {
        let name = record.round_name();
        if record.set != first.set {
            return different(format!("round {name} is of another set ({} {})", record.set.name, record.set.sha256));
        }
        if record.split != first.split || record.part != first.part {
            return different(format!("round {name} is of another split or part of the set {}", record.set.name));
        }
        if record.classes != first.classes || record.restricted != first.restricted {
            return different(format!("round {name} has other classes: {}", record.classes.join(" ")));
        }
        if record.selection != first.selection {
            let (a, b) = (first.selection, record.selection);
            return different(format!("round {name} was selected by {b}, the others by {a}: one score must have one"));
        }
        if rounds[..k].iter().any(|other| other.record.round_name() == name) {
            return different(format!("round {name} is there twice; average seeds instead of pooling them"));
        }
    }
    let mut clips: Vec<&str> = rounds.iter().flat_map(|round| &round.clips).map(|clip| clip.clip.as_str()).collect();
    clips.sort_unstable();
    match clips.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(twice) => different(format!("clip {} is in two rounds", twice[0])),
        None => Ok(first),
    }
}

pub(super) fn no_empty_class(record: &Record, metrics: &Metrics) -> Result<(), EvalError> {
    let Some(empty) = metrics.support.iter().position(|&clips| clips == 0) else {
        return Ok(());
    };
    let problem = format!(
        "class `{}` has no clip to score, so UAR and macro F1 would be of fewer classes; --allow-empty-classes leaves it \
         out of them",
        record.classes[empty]
    );
    Err(EvalError::Empty { set: record.set.name.clone(), problem })
}

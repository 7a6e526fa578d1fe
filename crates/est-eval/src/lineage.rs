//! What a weights file says of its own training, as far as an evaluation asks.

use est::Model;
use est_data::protocol::Selection;
use est_data::set::PreparedSet;

use crate::predictions::Scope;

/// From the scalars of the weights' provenance, which `est train` writes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lineage {
    pub selection: Selection,
    pub seed: Option<u64>,
    /// The set's hash.
    set: Option<String>,
    /// The round that it was trained in; `all` for one that saw the whole set.
    round: Option<String>,
}

impl Lineage {
    pub fn of(model: &Model) -> Lineage {
        let scalars = &model.provenance.scalars;
        let text = |name: &str| scalars.get(name).and_then(|value| value.as_str()).map(String::from);
        let selection = text("selection").and_then(|name| Selection::named(&name));
        Lineage {
            selection: selection.unwrap_or_default(),
            seed: scalars.get("seed").and_then(|value| value.as_u64()),
            set: text("data_sha256"),
            round: text("round"),
        }
    }

    /// Why the clips of `scope` may have been trained on, in words; None where nothing says so.
    pub fn seen(&self, set: &PreparedSet, scope: &Scope) -> Option<String> {
        if self.set != Some(set.record().hash()) || scope.round.is_some() && scope.round == self.round {
            return None;
        }
        let of = match self.round.as_deref() {
            None | Some("all") => "all of this set".to_string(),
            Some(round) => format!("round {round} of this set"),
        };
        Some(format!(
            "the weights were trained on {of}: clips that are scored here were trained on, and the scores are too high"
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_weights_tell_how_they_were_chosen() {
        let mut model = Model::random(1);
        assert_eq!(Lineage::of(&model), Lineage::default());
        let scalars = &mut model.provenance.scalars;
        scalars.insert("selection".to_string(), json!("inner-validation"));
        scalars.insert("seed".to_string(), json!(7));
        let lineage = Lineage::of(&model);
        assert_eq!((lineage.selection, lineage.seed), (Selection::InnerValidation, Some(7)));
    }
}

//! The classes of a set and of a model are matched by name, never by place.

use crate::error::EvalError;

/// Where each class of the set stands among the model's logits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClassMap {
    places: Vec<usize>,
    /// The model has other classes too.
    pub restricted: bool,
}

impl ClassMap {
    /// `restrict`: the model may have more classes than the set, and chooses among the set's.
    pub fn new(set: &str, classes: &[String], model: &[String], restrict: bool) -> Result<ClassMap, EvalError> {
        let wrong = |problem: String| EvalError::Classes { set: set.to_string(), problem };
        let both = format!("the set has {}, the weights have {}", classes.join(" "), model.join(" "));
        let place = |class: &String| {
            let problem =
                || format!("its class `{class}` is none of the weights': {both}; use weights of these classes");
            model.iter().position(|other| other == class).ok_or_else(|| wrong(problem()))
        };
        let places: Vec<usize> = classes.iter().map(place).collect::<Result<_, _>>()?;
        if let Some(extra) = model.iter().find(|&class| !classes.contains(class))
            && !restrict
        {
            return Err(wrong(format!(
                "the weights' class `{extra}` is none of the set's: {both}; --restrict-classes has the model choose \
                 among the set's"
            )));
        }
        Ok(ClassMap { restricted: places.len() < model.len(), places })
    }

    /// The model's probabilities in the set's order, made to sum to 1 again where classes are left out.
    pub fn probabilities(&self, model: &[f32]) -> Vec<f32> {
        let chosen: Vec<f32> = self.places.iter().map(|&place| model[place]).collect();
        let sum: f64 = chosen.iter().map(|&p| f64::from(p)).sum();
        match self.restricted {
            false => chosen,
            // Nothing is left of a model that is sure of another class: no preference.
            true if sum == 0.0 => vec![1.0 / chosen.len() as f32; chosen.len()],
            true => chosen.iter().map(|&p| (f64::from(p) / sum) as f32).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split(' ').map(String::from).collect()
    }

    #[test]
    fn by_name_in_any_order() {
        let map = ClassMap::new("s", &names("sad happy fear"), &names("fear happy sad"), false).unwrap();
        assert_eq!(map.probabilities(&[0.1, 0.2, 0.7]), [0.7, 0.2, 0.1]);
        assert!(!map.restricted);
    }

    #[test]
    fn other_classes_are_refused_by_name() {
        let more = ClassMap::new("s", &names("sad bored"), &names("sad happy"), true).unwrap_err().to_string();
        assert!(more.contains("`bored`") && more.contains("sad happy"), "{more}");
        let fewer = ClassMap::new("s", &names("sad"), &names("sad happy"), false).unwrap_err().to_string();
        assert!(fewer.contains("`happy`") && fewer.contains("--restrict-classes"), "{fewer}");
    }

    #[test]
    fn restricted_probabilities_sum_to_one() {
        let map = ClassMap::new("s", &names("sad happy"), &names("happy fear sad"), true).unwrap();
        assert!(map.restricted);
        assert_eq!(map.probabilities(&[0.3, 0.6, 0.1]), [0.25, 0.75]);
        assert_eq!(map.probabilities(&[0.0, 1.0, 0.0]), [0.5, 0.5]);
    }
}

//! The objective on libtorch; what it is: [`crate::objective`].

use std::collections::BTreeMap;

use est_nets::Graph;
use tch::{Device, Kind, Reduction, Tensor};

use super::parameters::numbers;
use crate::error::TrainError;
use crate::objective::{Objective, Term};

/// Names of the two terms that every objective has, in [`Losses::terms`].
pub const CLASS: &str = "class";
pub const ORDER: &str = "order";
/// What keeps EC-STFL's quotients finite.
const FLOOR: f64 = 1e-6;

/// What is right for each element of a batch.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Targets {
    /// Index of the class, for each row of the class logits.
    pub classes: Vec<i64>,
    /// Instead of it a distribution over the classes for each row, one behind the other; empty: the class alone.
    pub shares: Vec<f32>,
    /// Index of the order in which the snippets stand; ignored by a network without the SSOP head.
    pub orders: Vec<i64>,
}

/// What a batch came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Losses {
    /// The objective: the sum of the weighted terms.
    pub total: f64,
    /// Each term before its weight, by name: `class`, with the SSOP head `order`, and those of the objective's list.
    pub terms: BTreeMap<String, f64>,
    /// Rows whose most probable class or order is the right one.
    pub classes_right: usize,
    pub orders_right: usize,
}

/// The outputs that the objective reads.
pub(super) fn outputs(graph: &Graph, objective: &Objective) -> Vec<String> {
    let has_orders = graph.outputs().iter().any(|(name, _)| name == "order_logits");
    let mut names = vec!["class_logits".to_string()];
    names.extend((has_orders && objective.order_weight > 0.0).then(|| "order_logits".to_string()));
    names.extend(objective.outputs().into_iter().map(String::from));
    names.extend(objective.terms.iter().filter_map(Term::centres));
    names
}

/// The objective as a tensor, and its terms as numbers. `outputs` by the names above.
pub(super) fn losses(
    outputs: &BTreeMap<String, Tensor>,
    targets: &Targets,
    objective: &Objective,
    device: Device,
) -> Result<(Tensor, Losses), TrainError> {
    let weights = match &objective.class_weights[..] {
        [] => None,
        weights => Some(Tensor::f_from_slice(weights)?.f_to_kind(Kind::Float)?.f_to_device(device)?),
    };
    let right = Tensor::f_from_slice(&targets.classes)?.f_to_device(device)?;
    let asked = match &targets.shares[..] {
        [] => right.shallow_clone(),
        shares => Tensor::f_from_slice(shares)?.f_view([targets.classes.len() as i64, -1])?.f_to_device(device)?,
    };
    let logits = &outputs["class_logits"];
    let class = logits.f_cross_entropy_loss(&asked, weights, Reduction::Mean, -100, objective.label_smoothing)?;
    let mut losses = Losses { classes_right: count(logits, &right)?, ..Losses::default() };
    let mut total = class.shallow_clone();
    let mut add = |name: &str, weight: f64, term: &Tensor| -> Result<(), TrainError> {
        losses.terms.insert(name.to_string(), f64::from(numbers(term)?[0]));
        // The class term has no weight: not even a product with 1 changes its bits.
        if name != CLASS {
            total = total.f_add(&term.f_mul_scalar(weight)?)?;
        }
        Ok(())
    };
    add(CLASS, 1.0, &class)?;
    if let Some(logits) = outputs.get("order_logits") {
        let right = Tensor::f_from_slice(&targets.orders)?.f_to_device(device)?;
        let order = logits.f_cross_entropy_loss(&right, None::<Tensor>, Reduction::Mean, -100, 0.0)?;
        add(ORDER, objective.order_weight, &order)?;
        losses.orders_right = count(logits, &right)?;
    }
    for term in &objective.terms {
        let rows = outputs[term.output()].f_flatten(1, -1)?;
        let value = match term {
            Term::CrossEntropy { .. } => {
                rows.f_cross_entropy_loss(&right, None::<Tensor>, Reduction::Mean, -100, 0.0)?
            }
            Term::Compactness { .. } => compactness(&rows, &right)?,
            Term::Centre { .. } => {
                let centres = &outputs[&term.centres().expect("this kind has")];
                // A parameter has the batch's leading dimension: each row the same.
                let own = centres.f_select(0, 0)?.f_index_select(0, &right)?;
                rows.f_sub(&own)?.f_square()?.f_sum_dim_intlist(-1, false, Kind::Float)?.f_mean(Kind::Float)? * 0.5
            }
            Term::Contrastive { temperature, .. } => contrastive(&rows, &right, *temperature)?,
        };
        add(&term.name(), term.weight(), &value)?;
    }
    losses.total = f64::from(numbers(&total)?[0]);
    Ok((total, losses))
}

/// 1 where two rows are of one class, [B, B].
fn same(right: &Tensor) -> Result<Tensor, TrainError> {
    Ok(right.f_unsqueeze(1)?.f_eq_tensor(&right.f_unsqueeze(0)?)?.f_to_kind(Kind::Float)?)
}

fn compactness(rows: &Tensor, right: &Tensor) -> Result<Tensor, TrainError> {
    let over = |x: &Tensor| x.f_sum_dim_intlist(1, false, Kind::Float);
    let far = rows.f_unsqueeze(1)?.f_sub(&rows.f_unsqueeze(0)?)?.f_abs()?;
    let far = far.f_sum_dim_intlist(2, false, Kind::Float)?;
    let same = same(right)?;
    let other = same.f_mul_scalar(-1.0)?.f_add_scalar(1.0)?;
    let within = over(&far.f_mul(&same)?)?.f_div(&over(&same)?)?;
    let between = over(&other.f_div(&far.f_add_scalar(FLOOR)?)?)?;
    let between = between.f_div(&over(&other)?.f_add_scalar(1.0 + FLOOR)?)?;
    let batch = rows.size()[0] as f64;
    Ok(within.f_mul(&between)?.f_mean(Kind::Float)?.f_div_scalar(batch)?)
}

fn contrastive(rows: &Tensor, right: &Tensor, temperature: f64) -> Result<Tensor, TrainError> {
    let batch = rows.size()[0];
    let long = rows.f_square()?.f_sum_dim_intlist(1, true, Kind::Float)?.f_sqrt()?.f_clamp_min(1e-12)?;
    let rows = rows.f_div(&long)?;
    let itself = Tensor::f_eye(batch, (Kind::Float, rows.device()))?;
    let likeness = rows.f_matmul(&rows.f_transpose(0, 1)?)?.f_div_scalar(temperature)?;
    let chances = likeness.f_sub(&itself.f_mul_scalar(1e9)?)?.f_log_softmax(1, Kind::Float)?;
    let partners = same(right)?.f_sub(&itself)?;
    let count = partners.f_sum_dim_intlist(1, false, Kind::Float)?;
    let each = chances.f_mul(&partners)?.f_sum_dim_intlist(1, false, Kind::Float)?.f_neg()?;
    let each = each.f_div(&count.f_clamp_min(1.0)?)?;
    let paired = count.f_clamp_max(1.0)?.f_sum(Kind::Float)?.f_clamp_min(1.0)?;
    Ok(each.f_sum(Kind::Float)?.f_div(&paired)?)
}

fn count(logits: &Tensor, right: &Tensor) -> Result<usize, TrainError> {
    let hits = logits.f_detach()?.f_argmax(-1, false)?.f_eq_tensor(right)?.f_sum(Kind::Int64)?;
    Ok(hits.f_int64_value(&[])? as usize)
}

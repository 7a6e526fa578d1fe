//! The objective on libtorch; what it is: [`crate::objective`].

use est_nets::Graph;
use tch::{Device, Kind, Reduction, Tensor};

use super::parameters::numbers;
use crate::error::TrainError;
use crate::objective::Objective;

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
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Losses {
    /// The objective: `class` and the weighted `order`.
    pub total: f64,
    pub class: f64,
    /// 0 without the SSOP head.
    pub order: f64,
    /// Rows whose most probable class or order is the right one.
    pub classes_right: usize,
    pub orders_right: usize,
}

/// The outputs that the objective reads.
pub(super) fn outputs(graph: &Graph, objective: &Objective) -> Vec<&'static str> {
    let has_orders = graph.outputs().iter().any(|(name, _)| name == "order_logits");
    if has_orders && objective.order_weight > 0.0 { vec!["class_logits", "order_logits"] } else { vec!["class_logits"] }
}

/// The objective as a tensor, and its parts as numbers. `outputs` as named above.
pub(super) fn losses(
    outputs: &[Tensor],
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
    let class = outputs[0].f_cross_entropy_loss(&asked, weights, Reduction::Mean, -100, objective.label_smoothing)?;
    let mut losses = Losses { classes_right: count(&outputs[0], &right)?, ..Losses::default() };
    let mut total = class.shallow_clone();
    if let Some(logits) = outputs.get(1) {
        let right = Tensor::f_from_slice(&targets.orders)?.f_to_device(device)?;
        let order = logits.f_cross_entropy_loss(&right, None::<Tensor>, Reduction::Mean, -100, 0.0)?;
        losses.orders_right = count(logits, &right)?;
        losses.order = f64::from(numbers(&order)?[0]);
        total = total.f_add(&order.f_mul_scalar(objective.order_weight)?)?;
    }
    losses.class = f64::from(numbers(&class)?[0]);
    losses.total = f64::from(numbers(&total)?[0]);
    Ok((total, losses))
}

fn count(logits: &Tensor, right: &Tensor) -> Result<usize, TrainError> {
    let hits = logits.f_detach()?.f_argmax(-1, false)?.f_eq_tensor(right)?.f_sum(Kind::Int64)?;
    Ok(hits.f_int64_value(&[])? as usize)
}

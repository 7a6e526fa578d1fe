//! Recurrent layers over sequences of rows, whose products with the inputs are made before, of all rows at once.

use crate::activate::sigmoid;
use crate::conv::{Conv, ConvShape, Epilogue};
use crate::isa::Isa;

/// What a state does with a row. Gates lie in PyTorch's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// Input, forget, cell and output gate.
    Lstm,
    /// Reset, update and new gate; the reset gate multiplies the product of state and weights.
    Gru,
}

impl Cell {
    pub fn gates(self) -> usize {
        match self {
            Cell::Lstm => 4,
            Cell::Gru => 3,
        }
    }
}

/// One layer in one or both directions. States begin at 0.
pub struct Recurrent {
    cell: Cell,
    hidden: usize,
    /// From a state to its gates. The second begins at the last row.
    directions: Vec<Conv>,
}

impl Recurrent {
    /// For each direction weights [gates * hidden, hidden] and bias [gates * hidden] of the state.
    pub fn new(isa: Isa, cell: Cell, hidden: usize, directions: &[[&[f32]; 2]]) -> Self {
        let shape = ConvShape::linear(hidden, cell.gates() * hidden);
        let directions = directions.iter().map(|[weights, bias]| Conv::new(isa, shape, weights, bias)).collect();
        Recurrent { cell, hidden, directions }
    }

    pub fn cell(&self) -> Cell {
        self.cell
    }

    /// Numbers of an output row: the states of all directions.
    pub fn outputs(&self) -> usize {
        self.directions.len() * self.hidden
    }

    /// Sequences of `rows` rows of projected inputs, bias included [rows, directions, gates * hidden] -> states [rows,
    /// directions, hidden].
    pub fn run(&self, rows: usize, projected: &[f32], output: &mut [f32]) {
        let (hidden, gates) = (self.hidden, self.cell.gates() * self.hidden);
        let count = self.directions.len();
        let sequences = output.len() / (rows * count * hidden);
        assert_eq!(output.len(), sequences * rows * count * hidden, "sequences of {rows} rows");
        assert_eq!(projected.len(), sequences * rows * count * gates, "sequences of {rows} rows");
        let mut states = vec![0.0f32; sequences * hidden];
        let mut cells = vec![0.0f64; sequences * hidden];
        let mut products = vec![0.0f32; sequences * gates];
        for (direction, weights) in self.directions.iter().enumerate() {
            states.fill(0.0);
            cells.fill(0.0);
            for step in 0..rows {
                let row = if direction == 0 { step } else { rows - 1 - step };
                weights.run(&states, 0..sequences, Epilogue::default(), &mut products);
                for sequence in 0..sequences {
                    let place = (sequence * rows + row) * count + direction;
                    let projected = &projected[place * gates..][..gates];
                    let part = sequence * hidden..(sequence + 1) * hidden;
                    let state = &mut states[part.clone()];
                    let products = &products[sequence * gates..][..gates];
                    match self.cell {
                        Cell::Lstm => lstm(projected, products, &mut cells[part], state),
                        Cell::Gru => gru(projected, products, state),
                    }
                    output[place * hidden..][..hidden].copy_from_slice(state);
                }
            }
        }
    }
}

fn lstm(projected: &[f32], products: &[f32], cells: &mut [f64], state: &mut [f32]) {
    let hidden = state.len();
    for (i, (cell, state)) in cells.iter_mut().zip(state).enumerate() {
        let gate = |number: usize| {
            let place = number * hidden + i;
            f64::from(projected[place]) + f64::from(products[place])
        };
        let [input, forget, output] = [0, 1, 3].map(|number| sigmoid(gate(number)));
        *cell = forget * *cell + input * gate(2).tanh();
        *state = (output * cell.tanh()) as f32;
    }
}

fn gru(projected: &[f32], products: &[f32], state: &mut [f32]) {
    let hidden = state.len();
    for (i, state) in state.iter_mut().enumerate() {
        let parts = |number: usize| [projected, products].map(|numbers| f64::from(numbers[number * hidden + i]));
        let [reset, update] = [0, 1].map(|number| sigmoid(parts(number).iter().sum()));
        let [projected, product] = parts(2);
        let new = (projected + reset * product).tanh();
        *state = (new + update * (f64::from(*state) - new)) as f32;
    }
}

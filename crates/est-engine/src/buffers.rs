//! Which buffer holds which value, so that a value takes the place of one that nobody reads any more.

/// A value that the plan computes or is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Numbers for one element of the batch.
    pub len: usize,
    pub place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The caller's input of this number.
    Input(usize),
    /// Buffer of this number.
    Buffer(usize),
}

/// What a step reads and the value that it writes.
pub struct Use<'a> {
    pub inputs: &'a [usize],
    pub output: usize,
}

/// Gives every step's output its [`Place`] and returns each buffer's length for one element of the batch. `kept` values
/// last to the end.
pub fn assign(values: &mut [Value], steps: &[Use], kept: &[usize]) -> Vec<usize> {
    let mut last_use: Vec<usize> = vec![0; values.len()];
    for (index, step) in steps.iter().enumerate() {
        for &value in step.inputs.iter().chain([&step.output]) {
            last_use[value] = index;
        }
    }
    for &value in kept {
        last_use[value] = usize::MAX;
    }
    let mut buffers: Vec<usize> = vec![];
    let mut free: Vec<usize> = vec![];
    for (index, step) in steps.iter().enumerate() {
        let len = values[step.output].len;
        // The smallest that is large enough, else the largest, which then grows.
        let fit = |&buffer: &usize| match buffers[buffer] {
            size if size >= len => (0, size),
            size => (1, len - size),
        };
        let buffer = match (0..free.len()).min_by_key(|&i| fit(&free[i])) {
            Some(position) => free.swap_remove(position),
            None => {
                buffers.push(0);
                buffers.len() - 1
            }
        };
        buffers[buffer] = buffers[buffer].max(len);
        values[step.output].place = Place::Buffer(buffer);
        let mut ended: Vec<usize> = step.inputs.iter().chain([&step.output]).copied().collect();
        ended.sort_unstable();
        ended.dedup();
        ended.retain(|&value| last_use[value] == index);
        for value in ended {
            if let Place::Buffer(buffer) = values[value].place {
                free.push(buffer);
            }
        }
    }
    buffers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(lens: &[usize]) -> Vec<Value> {
        let value = |&len| Value { len, place: Place::Input(0) };
        lens.iter().map(value).collect()
    }

    #[test]
    fn a_chain_takes_turns_between_two_buffers() {
        let mut values = values(&[10, 10, 30, 20, 5]);
        let inputs = [[0], [1], [2], [3]];
        let steps: Vec<Use> = (0..4).map(|i| Use { inputs: &inputs[i], output: i + 1 }).collect();
        assert_eq!(assign(&mut values, &steps, &[4]), [20, 30]);
        let places: Vec<Place> = values.iter().map(|value| value.place).collect();
        let buffer = Place::Buffer;
        assert_eq!(places, [Place::Input(0), buffer(0), buffer(1), buffer(0), buffer(1)]);
    }

    #[test]
    fn what_is_read_later_stays() {
        // 1 is read at the end, 2 is an output: neither buffer may be taken.
        let mut values = values(&[4, 4, 4, 4, 4]);
        let steps = [
            Use { inputs: &[0], output: 1 },
            Use { inputs: &[1], output: 2 },
            Use { inputs: &[2], output: 3 },
            Use { inputs: &[3, 1], output: 4 },
        ];
        assign(&mut values, &steps, &[2, 4]);
        for (a, b) in [(1, 2), (1, 3), (2, 3), (2, 4), (3, 4), (1, 4)] {
            assert_ne!(values[a].place, values[b].place, "{a} and {b}");
        }
    }
}

//! Element types at rest and their way to f32.

/// The element types that weight files hold. All are read as f32: integers beyond 2^24 and f64 lose digits, which
/// only `num_batches_tracked` and the like ever meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dtype {
    F64,
    F32,
    F16,
    Bf16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

impl Dtype {
    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            Dtype::F64 | Dtype::I64 => 8,
            Dtype::F32 | Dtype::I32 => 4,
            Dtype::F16 | Dtype::Bf16 | Dtype::I16 => 2,
            Dtype::I8 | Dtype::U8 | Dtype::Bool => 1,
        }
    }

    /// One little-endian element.
    ///
    /// # Panics
    /// When `bytes` is shorter than [`Dtype::size`].
    pub fn value(self, bytes: &[u8]) -> f32 {
        match self {
            Dtype::F64 => f64::from_le_bytes(first(bytes)) as f32,
            Dtype::F32 => f32::from_le_bytes(first(bytes)),
            Dtype::F16 => half::f16::from_le_bytes(first(bytes)).to_f32(),
            Dtype::Bf16 => f32::from_bits(u32::from(u16::from_le_bytes(first(bytes))) << 16),
            Dtype::I64 => i64::from_le_bytes(first(bytes)) as f32,
            Dtype::I32 => i32::from_le_bytes(first(bytes)) as f32,
            Dtype::I16 => f32::from(i16::from_le_bytes(first(bytes))),
            Dtype::I8 => f32::from(i8::from_le_bytes(first(bytes))),
            Dtype::U8 => f32::from(bytes[0]),
            Dtype::Bool => f32::from(u8::from(bytes[0] != 0)),
        }
    }

    /// Appends the little-endian elements of `bytes` to `out`.
    pub fn decode_into(self, bytes: &[u8], out: &mut Vec<f32>) {
        debug_assert_eq!(bytes.len() % self.size(), 0);
        let elements = bytes.chunks_exact(self.size());
        match self {
            // Nearly every file: one loop without a branch per element.
            Dtype::F32 => out.extend(elements.map(|element| f32::from_le_bytes(first(element)))),
            _ => out.extend(elements.map(|element| self.value(element))),
        }
    }
}

fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[..N]);
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_decodes() {
        let cases: [(Dtype, &[u8], f32); 10] = [
            (Dtype::F64, &(-2.5f64).to_le_bytes(), -2.5),
            (Dtype::F32, &0.1f32.to_le_bytes(), 0.1),
            (Dtype::F16, &0x3e00u16.to_le_bytes(), 1.5),
            (Dtype::Bf16, &0xc040u16.to_le_bytes(), -3.0),
            (Dtype::I64, &(-7i64).to_le_bytes(), -7.0),
            (Dtype::I32, &70_000i32.to_le_bytes(), 70_000.0),
            (Dtype::I16, &(-300i16).to_le_bytes(), -300.0),
            (Dtype::I8, &(-3i8).to_le_bytes(), -3.0),
            (Dtype::U8, &[200], 200.0),
            (Dtype::Bool, &[2], 1.0),
        ];
        for (dtype, bytes, expected) in cases {
            assert_eq!(bytes.len(), dtype.size());
            let mut out = Vec::new();
            dtype.decode_into(&[bytes, bytes].concat(), &mut out);
            assert_eq!(out, [expected; 2], "{dtype:?}");
        }
    }
}

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
            Dtype::F16 => f32_of_f16(u16::from_le_bytes(first(bytes))),
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

/// IEEE 754 half precision, exactly.
fn f32_of_f16(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let exponent = u32::from(bits >> 10) & 0x1f;
    let fraction = u32::from(bits) & 0x3ff;
    match exponent {
        // Zero and subnormals: fraction * 2^-24, exact in f32.
        0 => f32::from_bits((fraction as f32 * 2f32.powi(-24)).to_bits() | sign),
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 127 - 15) << 23 | fraction << 13),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_equals_its_definition_for_every_bit_pattern() {
        for bits in 0..=u16::MAX {
            let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
            let magnitude = match exponent {
                0 => fraction * 2f64.powi(-24),
                31 if fraction == 0.0 => f64::INFINITY,
                31 => f64::NAN,
                _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
            };
            let value = Dtype::F16.value(&bits.to_le_bytes());
            // Every half is exact in f32, so equality needs no tolerance.
            assert!(f64::from(value.abs()) == magnitude || (value.is_nan() && magnitude.is_nan()), "{bits:#06x}");
            assert_eq!(value.is_sign_negative(), bits >> 15 == 1, "{bits:#06x}");
        }
    }

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

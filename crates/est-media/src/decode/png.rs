//! The chunks of a PNG file, for what FFmpeg does not say of them.

const SIGNATURE: usize = 8;

/// Kind and body of each chunk whose body is whole, in their order; none of what is no PNG file.
pub fn chunks(file: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let is_png = file.starts_with(b"\x89PNG");
    let mut rest = file.get(SIGNATURE..).filter(|_| is_png).unwrap_or_default();
    std::iter::from_fn(move || {
        let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
        let (kind, body) = (rest.get(4..8)?, rest.get(8..)?.get(..length)?);
        // Behind the body stands a checksum.
        rest = rest[8 + length..].get(4..).unwrap_or_default();
        Some((kind, body))
    })
}

//! Says of the columns of floats that their smallest and largest values are ordered as numbers are.
//!
//! The parquet crate (60.1) gives every such column the order IEEE_754_TOTAL_ORDER, which the format has had since 2026 and
//! which cannot be chosen otherwise. pyarrow 26.0 does not know it and drops the values' bounds, and with them every
//! chance to pass over what a filter rules out: a minute of two hours read 22 of 22 row groups, and reads 2 so. For values
//! that are neither NaN nor minus zero, as ours are (`Cell::rounded`), both orders are one, so only the mark is changed.

use std::io::{Error, Result};

use super::super::output::OutputFile;
use crate::error::EstError;

/// A column's order in Thrift's compact protocol: a union of one empty struct, whose field number says which.
const BY_TYPE: [u8; 3] = [0x1c, 0, 0];
const TOTAL: [u8; 3] = [0x2c, 0, 0];
/// Behind the orders: the end of the metadata, their length, the format's mark.
const BEHIND: usize = 1 + 4 + 4;

/// Marks the columns of a complete file, of which `is_float` says what they hold.
pub(super) fn by_type(file: &mut OutputFile, is_float: &[bool]) -> std::result::Result<(), EstError> {
    file.rewrite_end(BY_TYPE.len() * is_float.len() + BEHIND, |end| change(end, is_float))
}

/// # Errors
/// When the bytes are not those that the crate is known to write.
fn change(end: &mut [u8], is_float: &[bool]) -> Result<()> {
    let (orders, behind) = end.split_at_mut(BY_TYPE.len() * is_float.len());
    let expected = |float: &bool| if *float { TOTAL } else { BY_TYPE };
    let written: Vec<u8> = is_float.iter().flat_map(expected).collect();
    if *orders != written || behind[0] != 0 || !behind.ends_with(b"PAR1") {
        return Err(Error::other("the Parquet writer ended the file in another way than it is known to"));
    }
    orders.chunks_exact_mut(BY_TYPE.len()).for_each(|order| order.copy_from_slice(&BY_TYPE));
    Ok(())
}

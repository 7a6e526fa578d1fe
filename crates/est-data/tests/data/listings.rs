//! What tests ask of a listing.

use est_data::{ClipEntry, Listing};

pub fn clip<'a>(listing: &'a Listing, id: &str) -> &'a ClipEntry {
    let found = listing.clips.iter().find(|clip| clip.id == id);
    found.unwrap_or_else(|| panic!("no {id} in {:#?}", listing.clips))
}

/// The name of a clip's class.
pub fn class<'a>(listing: &'a Listing, id: &str) -> Option<&'a str> {
    clip(listing, id).label.map(|label| listing.classes[label].as_str())
}

pub fn assert_warns(listing: &Listing, words: &[&str]) {
    let warns = listing.warnings.iter().any(|warning| words.iter().all(|word| warning.contains(word)));
    assert!(warns, "{words:?} in {:#?}", listing.warnings);
}

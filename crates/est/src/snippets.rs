//! Which places of a window the network reads (SPEC section 1, test sampling).

use est_nets::{EstConfig, Sampling};

/// The n J places, snippet by snippet: sub-videos of `span` frames `step` apart, centred in the window; J frames of
/// each, `span / J` apart. For the preset `paper` 15,18,..,27 / 25,..,37 / .. / 75,..,87.
///
/// # Errors
/// When the sub-videos do not fit the window, or a sub-video has fewer than J frames: says so in words.
pub fn test_places(sampling: Sampling, config: &EstConfig) -> Result<Vec<usize>, String> {
    let Sampling { window, span, step } = sampling;
    let (n, frames) = (config.snippets, config.frames);
    let covered = step * (n - 1) + span;
    if covered > window {
        return Err(format!(
            "{n} sub-videos of {span} frames, {step} apart, need {covered} frames; the window has {window}"
        ));
    }
    if frames > span {
        return Err(format!("snippets of {frames} frames cannot be drawn from sub-videos of {span}"));
    }
    let start = (window - covered) / 2;
    let place = move |i: usize| (0..frames).map(move |j| start + step * i + j * (span / frames));
    Ok((0..n).flat_map(place).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_places() {
        let places = test_places(Sampling::PAPER, &EstConfig::PAPER).unwrap();
        assert_eq!(places.len(), 35);
        assert_eq!(places[..5], [15, 18, 21, 24, 27]);
        assert_eq!(places[5..10], [25, 28, 31, 34, 37]);
        assert_eq!(places[30..], [75, 78, 81, 84, 87]);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let nine = EstConfig { snippets: 11, ..EstConfig::PAPER };
        assert!(test_places(Sampling::PAPER, &nine).unwrap_err().contains("need 115 frames"));
        let long = EstConfig { frames: 16, ..EstConfig::PAPER };
        assert!(test_places(Sampling::PAPER, &long).is_err());
    }
}

//! Which places of a window the network reads (SPEC section 1, test and train sampling).

use est_nets::Sampling;

/// The n J places, snippet by snippet: sub-videos of `span` frames `step` apart, centred in the window; J frames of
/// each, `span / J` apart. For the preset `paper` 15,18,..,27 / 25,..,37 / .. / 75,..,87.
///
/// # Errors
/// When the sub-videos do not fit the window, or a sub-video has fewer than J frames: says so in words.
pub fn test_places(sampling: Sampling, [n, frames]: [usize; 2]) -> Result<Vec<usize>, String> {
    let Sampling { window, span, step } = sampling;
    let covered = covered(sampling, n);
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

/// Frames from the start of the first sub-video to the end of the last.
fn covered(sampling: Sampling, snippets: usize) -> usize {
    sampling.step * (snippets - 1) + sampling.span
}

/// The n J places of one training sample, snippet by snippet in time: the sub-videos begin at a place drawn from 0..=29
/// for the preset `paper` (one less than would fit the window: "the first 30 frames"), and J distinct frames are drawn
/// from each, in ascending order.
/// `below(k)` draws a whole number from 0 to k - 1.
///
/// # Panics
/// Where [`test_places`] is an error.
pub fn train_places(
    sampling: Sampling,
    [snippets, frames]: [usize; 2],
    below: &mut impl FnMut(usize) -> usize,
) -> Vec<usize> {
    let Sampling { window, span, step } = sampling;
    assert!(covered(sampling, snippets) <= window && frames <= span, "{snippets} x {frames} in {sampling:?}");
    let start = below((window - covered(sampling, snippets)).max(1));
    let mut places = Vec::with_capacity(snippets * frames);
    for snippet in 0..snippets {
        let mut offsets: Vec<usize> = (0..span).collect();
        for k in 0..frames {
            offsets.swap(k, k + below(span - k));
        }
        offsets[..frames].sort_unstable();
        places.extend(offsets[..frames].iter().map(|offset| start + step * snippet + offset));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAPER: [usize; 2] = [7, 5];

    #[test]
    fn the_papers_places() {
        let places = test_places(Sampling::PAPER, PAPER).unwrap();
        assert_eq!(places.len(), 35);
        assert_eq!(places[..5], [15, 18, 21, 24, 27]);
        assert_eq!(places[5..10], [25, 28, 31, 34, 37]);
        assert_eq!(places[30..], [75, 78, 81, 84, 87]);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert!(test_places(Sampling::PAPER, [11, 5]).unwrap_err().contains("need 115 frames"));
        assert!(test_places(Sampling::PAPER, [7, 16]).is_err());
    }
}

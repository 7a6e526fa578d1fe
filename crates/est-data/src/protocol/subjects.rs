//! Folds by subject, balanced by class.

use std::collections::BTreeMap;

use est_nets::Noise;

use super::Clip;

/// The fold, from 0, of each subject. Subjects come one after another, those with most clips first, and each goes where
/// it adds least to the sum over classes c and folds f of n(c, f)^2 / n(c). What chance would add on average is an upper
/// bound of the least, so the folds are never less even than those of a random draw are on average. The seed decides
/// between equals. With as many subjects as folds or more, no fold stays empty: an empty one adds least.
pub(super) fn draw<'a>(clips: &[Clip<'a>], folds: usize, seed: u64) -> BTreeMap<&'a str, usize> {
    let classes = clips.iter().map(|clip| clip.label + 1).max().unwrap_or(0);
    let mut totals = vec![0usize; classes];
    let mut by_subject: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for clip in clips {
        let subject = clip.subject.expect("every clip has one");
        by_subject.entry(subject).or_insert_with(|| vec![0; classes])[clip.label] += 1;
        totals[clip.label] += 1;
    }

    let chance = |what: String| Noise::new(seed, &what).unit(0);
    let mut subjects: Vec<(&str, Vec<usize>)> = by_subject.into_iter().collect();
    let size = |counts: &[usize]| counts.iter().sum::<usize>();
    // Stable: equals by chance, too, stay in the order of their names.
    subjects.sort_by_cached_key(|(subject, counts)| {
        let chance = chance(format!("order of {subject}"));
        (std::cmp::Reverse(size(counts)), chance.to_bits())
    });

    let mut held = vec![vec![0usize; classes]; folds];
    let mut fold_of = BTreeMap::new();
    for (subject, counts) in subjects {
        let added = |fold: usize| {
            let of_class = |c: usize| (counts[c] * (2 * held[fold][c] + counts[c])) as f64 / totals[c].max(1) as f64;
            (0..classes).map(of_class).sum::<f64>()
        };
        let key = |fold: usize| (added(fold), size(&held[fold]), chance(format!("fold {fold} of {subject}")));
        let keys: Vec<(f64, usize, f64)> = (0..folds).map(key).collect();
        let less = |a: &usize, b: &usize| {
            let (a, b) = (keys[*a], keys[*b]);
            a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.total_cmp(&b.2))
        };
        let fold = (0..folds).min_by(less).expect("there are folds");
        held[fold].iter_mut().zip(&counts).for_each(|(held, count)| *held += count);
        fold_of.insert(subject, fold);
    }
    fold_of
}

//! The colours of the classes wherever they are drawn: after Okabe and Ito (2008), told apart with any colour vision, each
//! in a shade for light and one for dark grounds.

/// Light and dark, as `0xrrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    pub on_light: u32,
    pub on_dark: u32,
}

const fn colour(on_light: u32, on_dark: u32) -> Colour {
    Colour { on_light, on_dark }
}

const VERMILLION: Colour = colour(0xc8_4a00, 0xff_7f3f);
const GREEN: Colour = colour(0x00_8a64, 0x2f_cb9d);
const PURPLE: Colour = colour(0xb0_4f8c, 0xe5_9bc9);
const ORANGE: Colour = colour(0xd3_8c00, 0xf5_bd41);
const GRAY: Colour = colour(0x6f_7683, 0xa9_b0bd);
const BLUE: Colour = colour(0x00_5fa3, 0x5a_9cff);
const SKY: Colour = colour(0x2e_9fdf, 0x8e_e0ff);

/// In the usual order of the classes; others take them in turn.
const ALL: [Colour; 7] = [VERMILLION, GREEN, PURPLE, ORANGE, GRAY, BLUE, SKY];

/// What has no label: neither of a class nor far from the ground.
pub const UNCERTAIN_COLOUR: Colour = colour(0xc9_cdd4, 0x4a_5160);

/// One for each class. A class keeps its colour in models with fewer of them.
pub fn colours(classes: &[String]) -> Vec<Colour> {
    let usual = |class: &String| crate::model::CLASSES.iter().position(|name| name == class);
    let mut places: Vec<Option<usize>> = classes.iter().map(usual).collect();
    for k in 0..places.len() {
        if places[k].is_none() {
            let free = (0..ALL.len()).find(|place| !places.contains(&Some(*place)));
            places[k] = Some(free.unwrap_or(k % ALL.len()));
        }
    }
    places.into_iter().map(|place| ALL[place.expect("all have one")]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_keep_their_colours() {
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        let of = |classes: &[&str]| colours(&names(classes));
        assert_eq!(of(&["sad", "happy"]), [BLUE, ORANGE]);
        assert_eq!(of(&["contempt", "angry"]), [GREEN, VERMILLION]);
        assert_eq!(of(&["a", "b", "c", "d", "e", "f", "g", "h"]).len(), 8);
    }
}

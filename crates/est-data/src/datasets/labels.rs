//! What the sets call the apparent expressions, and what we call them.

/// Our word for a label word; one that no set of ours uses stays as it is, in lower case.
pub(super) fn usual_word(word: &str) -> String {
    let word = word.trim().to_lowercase();
    let usual = match word.as_str() {
        "anger" => "angry",
        "disgusted" => "disgust",
        "fearful" => "fear",
        "happiness" => "happy",
        "sadness" => "sad",
        "surprised" => "surprise",
        other => other,
    };
    usual.to_string()
}

/// A set's codes, each with the word that it stands for; none where the set has words.
pub(super) type Codes = &'static [(&'static str, &'static str)];

/// The word that a set's `code` stands for; an unknown code stays as it is, and is then the name of no class.
pub(super) fn decode(codes: Codes, code: &str) -> &str {
    codes.iter().find(|(known, _)| known.eq_ignore_ascii_case(code)).map_or(code, |&(_, word)| word)
}

/// The classes of a set, in the order of the labels; each is its own [`usual_word`].
#[derive(Debug, Clone)]
pub(super) struct Classes(pub Vec<String>);

impl Classes {
    /// The authors' order: seven, or six without neutral (SPEC section 4).
    pub fn usual(count: usize) -> Self {
        Classes(est::usual_classes(count).expect("six or seven"))
    }

    /// The seven usual classes, then `others`: a class has the same label in every set of seven or more.
    pub fn usual_and(others: &[&str]) -> Self {
        let mut classes = Classes::usual(7);
        classes.0.extend(others.iter().map(|other| other.to_string()));
        classes
    }

    pub fn label_of(&self, word: &str) -> Option<usize> {
        let word = usual_word(word);
        self.0.iter().position(|class| *class == word)
    }
}

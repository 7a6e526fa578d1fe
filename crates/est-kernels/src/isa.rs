//! Which instructions the kernels may use: what the processor has, or less where `EST_ISA` says so.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// Sets of instructions, each with all that the ones before it have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// What every processor of the target has.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
    /// AVX-512 with products of bf16 pairs.
    Avx512Bf16,
}

impl Isa {
    pub const ALL: [Isa; 4] = [Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Avx512Bf16];

    /// What this processor has.
    pub fn detected() -> Isa {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            match (avx2, avx512, is_x86_feature_detected!("avx512bf16")) {
                (true, true, true) => Isa::Avx512Bf16,
                (true, true, false) => Isa::Avx512,
                (true, false, _) => Isa::Avx2,
                _ => Isa::Portable,
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        Isa::Portable
    }

    /// What to use: [`Isa::detected`], or less if the environment variable `EST_ISA` names less. Read once a process.
    ///
    /// # Errors
    /// `EST_ISA` names nothing that there is.
    pub fn requested() -> Result<Isa, UnknownIsa> {
        static REQUESTED: OnceLock<Result<Isa, UnknownIsa>> = OnceLock::new();
        let read = || match std::env::var("EST_ISA") {
            Ok(name) => Ok(name.parse::<Isa>()?.min(Isa::detected())),
            Err(_) => Ok(Isa::detected()),
        };
        REQUESTED.get_or_init(read).clone()
    }

    /// [`Isa::requested`], or [`Isa::detected`] where that is an error.
    pub fn best() -> Isa {
        Isa::requested().unwrap_or_else(|_| Isa::detected())
    }

    /// The sets that this processor has.
    pub fn available() -> impl Iterator<Item = Isa> {
        Isa::ALL.into_iter().filter(|&isa| isa <= Isa::detected())
    }

    pub fn has_bf16(self) -> bool {
        self == Isa::Avx512Bf16
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Isa::Portable => "portable",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Avx512Bf16 => "avx512bf16",
        })
    }
}

/// No set of instructions has this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownIsa(pub String);

impl FromStr for Isa {
    type Err = UnknownIsa;

    fn from_str(name: &str) -> Result<Isa, UnknownIsa> {
        Isa::ALL.into_iter().find(|isa| isa.to_string() == name).ok_or_else(|| UnknownIsa(name.to_string()))
    }
}

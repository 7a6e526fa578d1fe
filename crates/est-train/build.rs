//! Checks that LIBTORCH is the version that the crate tch was made for, and lets the programs of this package find its
//! libraries where they lie. Dependents' build scripts read DEP_EST_TRAIN_LIBTORCH to do the same.

use std::path::Path;

/// Also in tools/setup.sh.
const VERSION: &str = "2.11.0";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    revision();
    // Unset: torch-sys looks for a libtorch of the system's and says what is wrong.
    let Some(libtorch) = std::env::var_os("LIBTORCH") else { return };
    let libtorch = Path::new(&libtorch);
    match version(libtorch) {
        None => {
            let path = libtorch.display();
            println!(
                "cargo::error=no libtorch in {path} (LIBTORCH); run `tools/setup.sh train`, or set LIBTORCH to yours"
            );
        }
        Some(found) if found.split('+').next() != Some(VERSION) => {
            let path = libtorch.display();
            println!(
                "cargo::error={path} (LIBTORCH) is libtorch {found}; est trains with {VERSION}: `tools/setup.sh train` fetches it"
            );
        }
        Some(_) => {
            let lib = libtorch.join("lib");
            println!("cargo::rustc-link-arg=-Wl,-rpath,{}", lib.display());
            println!("cargo::metadata=libtorch={}", lib.display());
        }
    }
}

/// The revision of the source, for checkpoints.
fn revision() {
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    for path in ["HEAD", "logs/HEAD"].into_iter().filter_map(|name| git(&["rev-parse", "--git-path", name])) {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rustc-env=EST_GIT={}", git(&["rev-parse", "HEAD"]).unwrap_or_else(|| "unknown".to_string()));
}

/// A download of libtorch has `build-version`, a Python package of PyTorch has `version.py`.
fn version(libtorch: &Path) -> Option<String> {
    if let Ok(version) = std::fs::read_to_string(libtorch.join("build-version")) {
        return Some(version.trim().to_string());
    }
    let module = std::fs::read_to_string(libtorch.join("version.py")).ok()?;
    let line = module.lines().find_map(|line| line.strip_prefix("__version__ = "))?;
    Some(line.trim_matches(['\'', '"']).to_string())
}

//! With training built in, the program finds libtorch where est-train found it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Some(lib) = std::env::var_os("DEP_EST_TRAIN_LIBTORCH") {
        println!("cargo::rustc-link-arg-bins=-Wl,-rpath,{}", std::path::Path::new(&lib).display());
    }
}

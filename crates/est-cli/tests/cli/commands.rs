//! The commands that need no video.

use crate::common::est;

#[test]
fn complexity_equals_the_papers_figures() {
    let done = est(&["complexity", "--json"]).succeeded();
    let rows: Vec<serde_json::Value> = serde_json::from_str(&done.stdout).unwrap();
    let row = |name: &str| rows.iter().find(|row| row["preset"] == name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(row("paper")["parameters"], 42_775_761);
    assert_eq!(row("paper")["parameters_without_ssop"], 34_374_343);
    assert_eq!(row("transformer")["parameters"], 33_322_695);
    assert_eq!(row("resnet34")["parameters"], 52_883_921);
    assert_eq!(row("resnet50")["parameters"], 272_486_609);
    for row in &rows {
        let Some(printed) = row["paper_giga_macs"].as_f64() else {
            continue;
        };
        let b = row["preset"].as_str().unwrap().starts_with("resnet");
        let macs = row[if b { "macs_b" } else { "macs" }].as_f64().unwrap() / 1e9;
        assert!((macs - printed).abs() < if b { 0.0005 } else { 0.005 }, "{row}");
    }
    let table = est(&["complexity"]).succeeded().stdout;
    for figure in ["42,775,761", "63.847", "63.884", "63.892", "128.535", "144.063", "42.78", "63.89"] {
        assert!(table.contains(figure), "{figure} in\n{table}");
    }
    let parts = est(&["complexity", "paper"]).succeeded().stdout;
    for figure in ["11,176,512", "1,051,648", "8,401,418", "74,375"] {
        assert!(parts.contains(figure), "{figure} in\n{parts}");
    }
    est(&["complexity", "nothing"]).failed_with(&["no preset called `nothing`"]);
}

#[test]
fn doctor_says_what_is_there() {
    let done = est(&["doctor"]).succeeded();
    for part in ["est", "processor", "video decoder", "face detector", "default weights"] {
        assert!(done.stdout.lines().any(|line| line.starts_with(part)), "{part} in\n{}", done.stdout);
    }
}

#[test]
fn doctor_lists_the_kernels() {
    let done = est(&["doctor", "--kernels"]).succeeded();
    assert!(done.stdout.contains("layer4.1.conv2") && done.stdout.contains("BboxHead"), "{}", done.stdout);
}

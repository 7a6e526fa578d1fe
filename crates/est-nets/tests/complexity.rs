//! Parameter counts and MACs equal the published ones to the last digit printed (SPEC section 2).

use est_nets::{Convention, Network, PRESETS, Preset, Role, macs};

fn preset(name: &str) -> Network {
    Preset::named(name).unwrap_or_else(|| panic!("a preset named {name}")).config.clone()
}

#[test]
fn parameters_per_part() {
    let paper = preset("paper").graph();
    let parts = [
        ("conv1", 9_408),
        ("attn", 1_050_624),
        ("norm1", 1_024),
        ("transformer.encoder.layers", 9_457_152),
        ("transformer.decoder.layers", 12_612_096),
        ("transformer.encoder.norm", 1_024),
        ("transformer.decoder.norm", 1_024),
        ("query_embed", 512),
        ("classifier", 74_375),
        ("per_branch", 8_401_418),
        ("pos_enc", 0),
        ("", 42_775_761),
    ];
    for (part, count) in parts {
        assert_eq!(paper.parameter_count(part), count, "{part}");
    }
    let without_ssop = preset("paper").prediction();
    assert_eq!(without_ssop.parameter_count(""), 34_374_343);
}

#[test]
fn parameters_of_the_presets() {
    let counts = [
        ("transformer", 33_322_695),
        ("transformer+aasfe", 34_374_343),
        ("resnet34", 52_883_921),
        ("resnet50", 272_486_609),
        ("average", 11_176_512 + 7 * 512 + 7),
    ];
    for (name, count) in counts {
        assert_eq!(preset(name).graph().parameter_count(""), count, "{name}");
    }
    for preset in PRESETS {
        let Some(printed) = preset.printed_parameters else {
            continue;
        };
        let graph = preset.config.graph();
        // Table 5 counts an AA-SFE that its first row does not use.
        let unused = if preset.name == "transformer" { 1_051_648 } else { 0 };
        let millions = (graph.parameter_count("") + unused) as f64 / 1e6;
        assert_eq!(format!("{millions:.2}"), format!("{printed:.2}"), "{}", preset.name);
    }
}

#[test]
fn macs_in_both_conventions() {
    let figures = [
        ("transformer", Convention::Full, "63.847"),
        ("transformer+aasfe", Convention::Full, "63.884"),
        ("paper", Convention::Full, "63.892"),
        ("resnet34", Convention::Layers, "128.535"),
        ("resnet50", Convention::Layers, "144.063"),
        ("paper", Convention::Products, "63.608"),
    ];
    for (name, convention, giga) in figures {
        let macs = macs(&preset(name).graph(), convention);
        assert_eq!(format!("{:.3}", macs as f64 / 1e9), giga, "{name}");
    }
}

#[test]
fn the_state_dict_has_the_released_keys() {
    let parameters = preset("paper").graph().parameters();
    assert_eq!(parameters.len(), 244);
    let shape = |key: &str| parameters.iter().find(|spec| spec.name == key).map(|spec| spec.shape.clone());
    let keys = [
        ("conv1.weight", vec![64, 3, 7, 7]),
        ("layer2.0.downsample.0.weight", vec![128, 64, 1, 1]),
        ("layer4.1.bn2.num_batches_tracked", vec![]),
        ("attn.in_proj_weight", vec![1536, 512]),
        ("norm1.bias", vec![512]),
        ("transformer.encoder.layers.2.linear1.weight", vec![2048, 512]),
        ("transformer.decoder.layers.0.multihead_attn.out_proj.weight", vec![512, 512]),
        ("transformer.decoder.layers.2.norm3.weight", vec![512]),
        ("query_embed.weight", vec![1, 512]),
        ("pos_enc.pos_enc.weight", vec![7, 512]),
        ("per_branch.classifier.0.weight", vec![2048, 3584]),
        ("per_branch.classifier.6.weight", vec![10, 512]),
        ("classifier.5.0.weight", vec![7, 64]),
    ];
    for (key, expected) in keys {
        assert_eq!(shape(key), Some(expected), "{key}");
    }
    let fixed: Vec<_> = parameters.iter().filter(|spec| spec.role == Role::Fixed).collect();
    assert_eq!(fixed.len(), 2 * 22 + 1, "20 + 2 batch norms with two statistics each, and the positions");
}

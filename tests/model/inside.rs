//! What is inside networks: outputs of layers and dead channels against PyTorch's numbers, the graph against a real forward pass,
//! receptive fields against gradients, kernels against weights written down by hand.

use crate::support::on_device::{allowed, device};
use crate::support::reference::golden;
use crate::support::reference::networks::sets;
use crate::support::reference::recipe::{clip, clip_shape, network, numbers, relative, seed_of, sizes};
use kinolens::config::ModelConfig;
use kinolens::inside::{
    ChannelOrder, Graph, InsideError, LayerActivation, LayerTally, NodeRole, ReceptiveField, effective_field, kernels,
    layer_seconds, rank_channels, record_layers, watch_layers,
};
use kinolens::model::{ArrayValues, ComputeDevice, MODELS, ModuleTree, Network};
use serde_json::Value;
use std::collections::HashMap;

fn config(id: &str) -> ModelConfig {
    ModelConfig { id: id.into(), ..ModelConfig::default() }
}

fn built(id: &str, shape: [usize; 3]) -> (Network, ModuleTree) {
    let network = Network::build(&config(id), 5, shape, &device(), 3).unwrap();
    (network, ModuleTree::of(&config(id), 5, shape).unwrap())
}

fn watched(network: &Network, pixels: Vec<f32>, shape: [usize; 3], layers: &[String]) -> Vec<LayerActivation> {
    let mut found = Vec::new();
    let mut keep = |_: usize, activation: LayerActivation| -> Result<(), InsideError> {
        found.push(activation);
        Ok(())
    };
    watch_layers(network, pixels, (1, shape), layers, &mut keep).unwrap();
    found
}

#[test]
fn outputs_of_layers_are_pytorch_s() {
    let reference = golden("activations.json");
    let (seed, set) = (seed_of(&reference), &sets()[0]);
    let bins = reference["bins"].as_u64().unwrap() as usize;
    let mut seen = 0;
    for model in reference["models"].as_array().unwrap() {
        let named = set.named(model["model"].as_str().unwrap());
        let [_, c, t, h, w] = clip_shape(&sizes(&model["input_shape"]), None);
        // No layer of the reference depends on the number of classes.
        let network = network(&seed, &named, 5, [t, h, w]);
        let tree = ModuleTree::of(&named.config(), 5, [t, h, w]).unwrap();
        let cases = model["layers"].as_array().unwrap();
        let layers: Vec<String> = cases.iter().map(|case| named.layer(&network, case)).collect();
        let found = watched(&network, clip(&seed, 0, [c, t, h, w]), [t, h, w], &layers);
        for (layer, case) in layers.iter().zip(cases) {
            let activation = found.iter().find(|a| a.layer == *layer).unwrap();
            one_layer(activation, &tree, case, bins);
            seen += 1;
        }
    }
    assert!(seen >= 12, "{seen}");
}

/// Holds one layer to its reference.
fn one_layer(activation: &LayerActivation, tree: &ModuleTree, case: &Value, bins: usize) {
    let layer = &activation.layer;
    let number = |key: &str| case[key].as_f64().unwrap();
    let statistics = LayerTally::of(activation, tree.find(layer).and_then(|m| m.ceiling));
    let n = activation.values.len();
    assert_eq!(sizes(&case["act_shape"]).iter().product::<usize>(), n, "{layer}");
    let tolerance = allowed(1e-5) * number("max").abs().max(number("min").abs());
    for (key, value) in
        [("min", statistics.min), ("max", statistics.max), ("mean", statistics.mean), ("std", statistics.std)]
    {
        assert!((value - number(key)).abs() <= tolerance, "{layer} {key}: {value} {}", number(key));
    }
    let zeros = allowed(1e-4) * n as f64;
    assert!((statistics.zeros as f64 - number("zeros")).abs() <= zeros, "{layer}: {} zeros", statistics.zeros);
    assert!((statistics.zero_share - number("zero_fraction")).abs() <= allowed(1e-4), "{layer}");
    assert_eq!(statistics.dead, sizes(&case["dead_channel_list"]), "{layer}");
    assert_eq!(statistics.histogram.counts.len(), bins, "{layer}");
    let apart: u64 =
        statistics.histogram.counts.iter().zip(sizes(&case["histogram"])).map(|(a, b)| a.abs_diff(b as u64)).sum();
    assert!(apart as f64 <= 4.0 + allowed(1e-4) * n as f64, "{layer}: {apart} values in other bins");
    let step = case["step"].as_u64().unwrap() as usize;
    let channels: Vec<&[f32]> = activation.channels().collect();
    for (channel, expected) in sizes(&case["channels"]).into_iter().zip(case["channel_values"].as_array().unwrap()) {
        let values: Vec<f32> = channels[channel].iter().copied().step_by(step).collect();
        let expected = numbers(expected);
        assert_eq!(values.len(), expected.len(), "{layer} {channel}");
        for (a, b) in values.iter().zip(&expected) {
            assert!((f64::from(*a) - b).abs() <= tolerance, "{layer} {channel}: {a} {b}");
        }
    }
}

/// Clips on which every network has something left at its last layer.
fn small(id: &str) -> [usize; 3] {
    if id == "i3d" { [8, 64, 64] } else { [16, 48, 64] }
}

#[test]
fn the_graph_of_every_network_has_the_shapes_of_a_forward_pass() {
    for spec in MODELS {
        let shape = small(spec.id);
        let (network, tree) = built(spec.id, shape);
        let modules = tree.modules();
        let ids: Vec<String> = modules.iter().map(|m| m.id.clone()).collect();
        assert_eq!(ids, network.layers().iter().map(|l| l.id.clone()).collect::<Vec<_>>(), "{}", spec.id);
        let [t, h, w] = shape;
        let mut real: HashMap<String, [usize; 4]> = HashMap::new();
        for activation in watched(&network, clip("graph", 0, [3, t, h, w]), shape, &ids) {
            assert_eq!(activation.values.len(), activation.shape.iter().product::<usize>(), "{}", activation.layer);
            // In the head of a network that answers for each frame, frames lie along time.
            let [c, ..] = activation.shape;
            let head = tree.head.iter().any(|m| m.id == activation.layer);
            real.insert(activation.layer, if head { [c, 1, 1, 1] } else { activation.shape });
        }
        assert_eq!(real.len(), ids.len(), "{}: every layer was shown once", spec.id);
        for module in &modules {
            assert_eq!(real[&module.id], module.shape, "{} {}", spec.id, module.id);
        }
        let graph = Graph::of(&tree, &Graph::expand_all(&tree), None);
        let mut stood_for: Vec<&str> = Vec::new();
        for node in graph.nodes.iter().filter(|n| n.role == NodeRole::Module) {
            let (first, last) = (&node.modules[0], &node.modules[node.modules.len() - 1]);
            assert_eq!((tree.find(first).unwrap().input, real[last]), (node.input, node.shape), "{} {first}", spec.id);
            stood_for.extend(node.modules.iter().map(String::as_str));
        }
        // Every layer without layers inside it, and every block as a frame.
        let leaves = modules.iter().filter(|m| m.parts.ways().is_empty()).map(|m| m.id.as_str());
        let (mut leaves, mut framed): (Vec<&str>, Vec<&str>) =
            (leaves.collect(), graph.groups.iter().map(|g| g.module.as_str()).collect());
        let mut blocks: Vec<&str> =
            modules.iter().filter(|m| !m.parts.ways().is_empty()).map(|m| m.id.as_str()).collect();
        [&mut leaves, &mut framed, &mut blocks, &mut stood_for].into_iter().for_each(|list| list.sort_unstable());
        assert_eq!((stood_for, framed), (leaves, blocks), "{}", spec.id);
        for edge in &graph.edges {
            assert_eq!(edge.shape, graph.nodes[edge.from].shape, "{}", spec.id);
            let to = &graph.nodes[edge.to];
            // What is joined has the channels of all ways together.
            let joins = to.role != NodeRole::Module;
            assert!(joins || edge.shape == to.input, "{} {edge:?} {to:?}", spec.id);
        }
    }
}

/// What fast convolutions leave of numbers that cancel, as a share of the largest.
const ROUNDING: f32 = 1e-5;

#[test]
fn gradients_reach_no_further_than_the_windows() {
    let layers = [
        ("r3d-18", vec!["stem", "layer1", "layer2.0.conv1.0", "layer2"]),
        ("r2plus1d-18", vec!["stem.3", "layer1.0"]),
        ("c3d", vec!["block1", "block2.1", "block3"]),
        ("small-3d", vec!["stem", "stage2", "stage3"]),
        ("small-2d", vec!["stage3"]),
        ("resnet-18", vec!["maxpool", "layer2"]),
        ("mobilenet-v2-3d", vec!["features.2", "features.4"]),
        ("efficientnet-b0", vec!["features.0", "features.1"]),
        ("i3d", vec!["Conv3d_1a_7x7", "Mixed_3b"]),
    ];
    for (id, layers) in layers {
        let shape = small(id);
        let (network, tree) = built(id, shape);
        let [t, h, w] = shape;
        for layer in layers {
            let field = ReceptiveField::of(&tree, layer).unwrap();
            for cell in [field.middle(), [0; 3], field.cells.map(|n| n - 1)] {
                let pixels = clip("field", 0, [3, t, h, w]);
                let found = effective_field(&network, pixels, shape, layer, cell).unwrap().unwrap();
                let [ts, hs, ws] = field.cell(cell);
                let rounding = ROUNDING * found.values.iter().copied().fold(0.0, f32::max);
                for (i, value) in found.values.iter().enumerate() {
                    let place = [i / (h * w), i / w % h, i % w];
                    let inside = place.into_iter().zip([ts, hs, ws]).all(|(p, [from, to])| (from..to).contains(&p));
                    assert!(
                        inside || *value <= rounding,
                        "{id} {layer} {cell:?}: {value} at {place:?}, outside {ts:?} {hs:?} {ws:?}"
                    );
                }
                let held = found.held.unwrap_or_else(|| panic!("{id} {layer} {cell:?}: nothing moves it"));
                for (held, [from, to]) in held.into_iter().zip([ts, hs, ws]) {
                    assert!(
                        from <= held[0] && held[0] < held[1] && held[1] <= to,
                        "{id} {layer}: {held:?} in {from}..{to}"
                    );
                }
            }
        }
        assert_eq!(effective_field(&network, clip("field", 0, [3, t, h, w]), shape, "fc", [0; 3]).unwrap(), None);
    }
}

#[test]
fn a_convolution_sees_all_of_its_window() {
    for (id, layer) in [("r3d-18", "stem.0"), ("c3d", "block1.1"), ("small-3d", "stem.1"), ("i3d", "Conv3d_1a_7x7.bn")]
    {
        let shape = small(id);
        let (network, tree) = built(id, shape);
        let [t, h, w] = shape;
        let field = ReceptiveField::of(&tree, layer).unwrap();
        let cell = field.middle();
        let found = effective_field(&network, clip("all", 0, [3, t, h, w]), shape, layer, cell).unwrap().unwrap();
        let [ts, hs, ws] = field.cell(cell);
        let rounding = ROUNDING * found.values.iter().copied().fold(0.0, f32::max);
        let moved = found.values.iter().filter(|v| **v > rounding).count();
        let places: usize = [ts, hs, ws].iter().map(|[from, to]| to - from).product();
        assert_eq!(moved, places, "{id} {layer}: {ts:?} {hs:?} {ws:?}");
    }
}

#[test]
fn channels_zeroed_by_hand_are_reported_as_dead_and_no_others() {
    let shape = [8, 32, 32];
    let (mut network, _) = built("small-3d", shape);
    let layers = vec!["stem".to_owned(), "stage2".to_owned()];
    let dead = |network: &Network| {
        let mut tallies: Vec<LayerTally> = layers.iter().map(|l| LayerTally::new(l, None)).collect();
        let mut all: Vec<Vec<LayerActivation>> = vec![Vec::new(); 2];
        for item in 0..4 {
            let found = watched(network, clip("dead", item, [3, 8, 32, 32]), shape, &layers);
            for ((tally, kept), activation) in tallies.iter_mut().zip(&mut all).zip(found) {
                tally.add(&activation);
                kept.push(activation);
            }
        }
        let statistics: Vec<_> = tallies.iter().map(LayerTally::statistics).collect();
        for (s, clips) in statistics.iter().zip(&all) {
            for channel in 0..s.channels() {
                let fires =
                    clips.iter().filter(|a| a.channels().nth(channel).unwrap().iter().any(|v| *v != 0.0)).count();
                assert_eq!(s.fires_in[channel], fires as u64, "{} {channel}", s.layer);
            }
        }
        statistics
    };
    let healthy = dead(&network);
    assert!(healthy[1].dead.len() < 4, "{:?}", healthy[1].dead);
    let zeroed = [3, 7, 11];
    let mut arrays = network.state_dict().unwrap();
    for array in arrays.iter_mut().filter(|a| ["stage2.1.weight", "stage2.1.bias"].contains(&a.name.as_str())) {
        let ArrayValues::F32(values) = &mut array.values else { panic!("{}", array.name) };
        zeroed.iter().for_each(|c| values[*c] = 0.0);
    }
    network.load_state_dict(&arrays, true).unwrap();
    let found = dead(&network);
    assert_eq!(found[0].dead, healthy[0].dead);
    let mut expected: Vec<usize> = healthy[1].dead.iter().copied().chain(zeroed).collect();
    expected.sort_unstable();
    expected.dedup();
    assert_eq!(found[1].dead, expected);
    let said = found[1].idle().unwrap();
    assert!(said.contains(&format!("{} of 64 channels are 0 in all 4 clips", expected.len())), "{said}");
}

#[test]
fn channels_are_ranked_by_the_gradient_of_the_class() {
    let shape = [8, 32, 32];
    let (network, _) = built("small-3d", shape);
    let layers = ["stage1", "stage3", "pool", "classifier.1"].map(str::to_owned);
    let pixels = clip("gradient", 0, [3, 8, 32, 32]);
    let (logits, recorded) = record_layers(&network, pixels.clone(), shape, &layers, Some(2)).unwrap();
    let plain = watched(&network, pixels, shape, &layers);
    for (a, b) in recorded.iter().zip(&plain) {
        assert_eq!((&a.activation.layer, a.activation.shape), (&b.layer, b.shape));
        let expected: Vec<f64> = b.values.iter().map(|v| f64::from(*v)).collect();
        assert!(relative(&a.activation.values, &expected) < allowed(1e-5), "{}", b.layer);
    }
    // The class score is the third unit of the last layer, and the sum of features times weights.
    assert_eq!(recorded[3].gradient, [0.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!(recorded[3].activation.values, logits);
    let arrays = network.state_dict().unwrap();
    let values = |name: &str| match &arrays.iter().find(|a| a.name == name).unwrap().values {
        ArrayValues::F32(values) => values.clone(),
        ArrayValues::I64(_) => panic!("{name}"),
    };
    let weights = &values("classifier.1.weight")[2 * 96..3 * 96];
    let wide: Vec<f64> = weights.iter().map(|v| f64::from(*v)).collect();
    assert!(relative(&recorded[2].gradient, &wide) < allowed(1e-6));
    let ranked = rank_channels(&recorded[2].activation, Some(&recorded[2].gradient), ChannelOrder::Gradient);
    let mut expected: Vec<(usize, f64)> =
        recorded[2].activation.values.iter().zip(weights).map(|(a, w)| f64::from(a * w).abs()).enumerate().collect();
    expected.sort_by(|a, b| b.1.total_cmp(&a.1));
    assert_eq!(ranked[0].channel, expected[0].0);
    assert!(matches!(
        record_layers(&network, vec![0.0; 3 * 8 * 32 * 32], shape, &layers, Some(5)),
        Err(InsideError::UnknownClass { class: 5, classes: 5 })
    ));
    let unknown = record_layers(&network, vec![0.0; 3 * 8 * 32 * 32], shape, &["stage9".to_owned()], None).unwrap_err();
    assert!(unknown.to_string().contains("stage3"), "{unknown}");
}

#[test]
fn kernels_are_the_arrays_of_the_network() {
    for spec in MODELS {
        let tree = ModuleTree::of(&config(spec.id), 5, small(spec.id)).unwrap();
        let network = Network::build(&config(spec.id), 5, small(spec.id), &ComputeDevice::cpu(), 3).unwrap();
        let arrays = network.state_dict().unwrap();
        let convolutions =
            tree.modules().iter().filter(|m| ["Conv2d", "Conv3d"].iter().any(|c| m.title.starts_with(c))).count();
        let found = kernels(&tree, arrays.clone());
        assert_eq!(found.len(), convolutions, "{}", spec.id);
        for kernel in &found {
            let array = arrays.iter().find(|a| a.name == format!("{}.weight", kernel.layer)).unwrap();
            let ArrayValues::F32(values) = &array.values else { panic!("{}", array.name) };
            assert_eq!(&kernel.values, values, "{} {}", spec.id, kernel.layer);
            let shares = kernel.motion_shares();
            assert!(shares.iter().all(|s| (0.0..=1.0).contains(s)), "{} {}", spec.id, kernel.layer);
            assert_eq!(kernel.mean_motion_share().is_some(), kernel.shape[2] > 1);
        }
    }
}

#[test]
fn layers_are_timed_and_blocks_take_what_is_inside_them() {
    let shape = [8, 32, 32];
    let (network, tree) = built("r3d-18", shape);
    let seconds = layer_seconds(&network, &tree, &clip("time", 0, [3, 8, 32, 32]), shape, 1).unwrap();
    for module in tree.modules() {
        let own = seconds[&module.id];
        let inside: f64 = module.parts.ways().into_iter().flatten().map(|m| seconds[&m.id]).sum();
        assert!(own > 0.0 && own >= inside * 0.999, "{}: {own} {inside}", module.id);
    }
}

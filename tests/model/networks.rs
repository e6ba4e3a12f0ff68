//! Every network of the registry: layers, options, clip sizes.

use kinolens::cam::{MapRequest, Target, explain};
use kinolens::config::{ModelConfig, ModelOptions, Pooling};
use kinolens::domain::{HeatMap, MapPooling, PoolingRule};
use kinolens::model::{ComputeDevice, GradientUse, MODELS, ModelSpec, Network, Outline, read};

/// No axis is a multiple of another network's stride.
const ODD: [usize; 3] = [17, 66, 50];
const CLASSES: usize = 5;

fn build(id: &str, options: ModelOptions, clip: [usize; 3]) -> Network {
    let config = ModelConfig { id: id.into(), options, ..ModelConfig::default() };
    Network::build(&config, CLASSES, clip, &ComputeDevice::cpu(), 3).unwrap()
}

fn own(id: &str, clip: [usize; 3]) -> Network {
    build(id, ModelOptions::default(), clip)
}

/// Numbers without a pattern, from -1.5 to 1.5.
fn pixels(clip: [usize; 3]) -> Vec<f32> {
    let n = 3 * clip.iter().product::<usize>();
    (0..n).map(|i| ((i * 7919 + i / 13 * 104_729) % 2003) as f32 / 667.0 - 1.5).collect()
}

fn scores(network: &Network, pixels: Vec<f32>, clip: [usize; 3]) -> Vec<f32> {
    read(network.forward(network.input(pixels, 1, clip).unwrap())).unwrap()
}

fn close(a: &[f32], b: &[f32], tolerance: f32, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    let scale = b.iter().fold(1e-20_f32, |m, v| m.max(v.abs()));
    let error = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max) / scale;
    assert!(error <= tolerance, "{what}: {error:e}");
}

/// Asks for all layers in one pass, so that most of them lie above one that was caught before.
#[test]
fn every_layer_is_caught_with_the_shape_it_says_and_the_scores_stay() {
    for spec in MODELS {
        let network = own(spec.id, ODD);
        let x = network.input(pixels(ODD), 1, ODD).unwrap();
        let plain = read(network.forward(x.clone())).unwrap();
        let layers = network.cam_layers();
        assert!(layers.iter().any(|l| l.id == spec.default_layer), "{} has no {}", spec.id, spec.default_layer);
        let ids: Vec<&str> = layers.iter().map(|l| l.id.as_str()).collect();
        let tapped = network.forward_tapped(x, &ids, 2, GradientUse::ByPlace).unwrap();
        let rows = read(tapped.logits.clone()).unwrap();
        for row in rows.chunks_exact(CLASSES) {
            close(row, &plain, 1e-5, spec.id);
        }
        assert_eq!(tapped.taps.len(), layers.len(), "{}", spec.id);
        let gradients = tapped.logits.sum().backward();
        for (tap, layer) in tapped.taps.iter().zip(layers) {
            let [b, c, t, h, w] = tap.activation.dims();
            assert_eq!((b, [c, t, h, w]), (2, layer.shape), "{} {}", spec.id, layer.id);
            let gradient = read(tap.gradient(&gradients)).unwrap();
            assert!(gradient.iter().all(|g| g.is_finite()), "{} {}", spec.id, layer.id);
        }
        let first = &tapped.taps[0];
        let told = read(first.gradient(&gradients)).unwrap().iter().any(|g| *g != 0.0);
        assert!(told, "{}: nothing comes back to {}", spec.id, first.layer);
    }
}

fn hires(layer: &str) -> MapRequest {
    MapRequest {
        method: "hirescam".into(),
        layer: Some(layer.into()),
        target: Target::Class(1),
        against: None,
        pooling: PoolingRule::SpaceTime,
    }
}

/// HiResCAM sums gradient times activation over channels: over all channels of a module it is the sum over its branches,
/// and a block's map is that of its last layer. Asked for one by one and together.
#[test]
fn maps_of_branches_add_up_to_that_of_their_module() {
    let clip = [8, 64, 64];
    for (id, whole, parts) in [
        ("i3d", "Mixed_5c", vec!["Mixed_5c.b0", "Mixed_5c.b1b", "Mixed_5c.b2b", "Mixed_5c.b3b"]),
        ("i3d", "Mixed_4f", vec!["Mixed_4f.b0", "Mixed_4f.b1b", "Mixed_4f.b2b", "Mixed_4f.b3b"]),
        ("i3d", "Mixed_5b", vec!["Mixed_5b.b0.relu", "Mixed_5b.b1b.relu", "Mixed_5b.b2b.relu", "Mixed_5b.b3b.relu"]),
        ("r3d-18", "layer3", vec!["layer3.1.relu"]),
        ("resnet-18", "layer4.0", vec!["layer4.0.relu"]),
    ] {
        let network = own(id, clip);
        let requests: Vec<MapRequest> = std::iter::once(whole).chain(parts.iter().copied()).map(hires).collect();
        let together = explain(&network, pixels(clip), clip, &requests).unwrap().maps;
        let alone: Vec<Vec<f32>> = requests
            .iter()
            .map(|r| explain(&network, pixels(clip), clip, std::slice::from_ref(r)).unwrap().maps[0].values.clone())
            .collect();
        for (together, alone) in together.iter().zip(&alone) {
            close(&together.values, alone, 1e-4, &format!("{id} {}", together.layer));
        }
        let sum: Vec<f32> = (0..alone[0].len()).map(|i| alone[1..].iter().map(|part| part[i]).sum()).collect();
        assert!(alone[0].iter().any(|v| *v != 0.0), "{id} {whole} is empty");
        close(&sum, &alone[0], 1e-4, &format!("{id} {whole}"));
    }
}

#[test]
fn networks_of_frames_answer_by_their_frames() {
    let (clip, frame) = ([3, 64, 48], [1, 64, 48]);
    let plane = frame.iter().product::<usize>();
    let values = pixels(clip);
    let alone =
        |t: usize| -> Vec<f32> { (0..3).flat_map(|c| values[(c * clip[0] + t) * plane..][..plane].to_vec()).collect() };
    for spec in MODELS.iter().filter(|m| m.per_frame) {
        let of = |pooling| build(spec.id, ModelOptions { pooling: Some(pooling), ..ModelOptions::default() }, clip);
        let network = of(Pooling::Average);
        let each: Vec<Vec<f32>> = (0..clip[0]).map(|t| scores(&network, alone(t), frame)).collect();
        let over = |join: fn(Vec<f32>) -> f32| -> Vec<f32> {
            (0..CLASSES).map(|k| join(each.iter().map(|e| e[k]).collect())).collect()
        };
        let mean = over(|v| v.iter().sum::<f32>() / v.len() as f32);
        let largest = over(|v| v.into_iter().fold(f32::NEG_INFINITY, f32::max));
        close(&scores(&network, values.clone(), clip), &mean, 2e-5, spec.id);
        close(&scores(&of(Pooling::MaxLogits), values.clone(), clip), &largest, 2e-5, spec.id);
        let features = scores(&of(Pooling::MaxFeatures), values.clone(), clip);
        assert_ne!(features, largest, "{}", spec.id);
        // The order of frames plays no part.
        let backwards: Vec<f32> = (0..3)
            .flat_map(|c| (0..clip[0]).rev().flat_map(move |t| (0..plane).map(move |i| (c * 3 + t) * plane + i)))
            .map(|i| values[i])
            .collect();
        close(&scores(&of(Pooling::MaxFeatures), backwards, clip), &features, 2e-5, spec.id);
    }
}

/// What a map says of its pooling is told by its values: a rule that has no effect is not claimed.
#[test]
fn a_map_says_how_it_was_pooled_and_not_what_was_asked_for() {
    for (id, layer, clip) in [("resnet-18", "layer3", [3, 64, 48]), ("small-3d", "stage2", [16, 32, 24])] {
        let network = own(id, clip);
        let maps = |rule| -> Vec<HeatMap> {
            let request = |method: &str| MapRequest { method: method.into(), pooling: rule, ..hires(layer) };
            let requests = ["grad-cam", "hirescam"].map(request);
            explain(&network, pixels(clip), clip, &requests).unwrap().maps
        };
        let (together, steps) = (maps(PoolingRule::SpaceTime), maps(PoolingRule::PerTimeStep));
        for (a, b) in together.iter().zip(&steps) {
            let (what, same) = (format!("{} at {id}", a.method), a.values == b.values);
            assert!(a.shape[0] > 1, "{what}: a rule makes no difference over one time step");
            assert_eq!(a.pooling == b.pooling, same, "{what}: {:?} and {:?}", a.pooling, b.pooling);
        }
        let of_frames = network.spec().per_frame;
        let (over_all, by_step) = match of_frames {
            true => (MapPooling::PerFrame, MapPooling::PerFrame),
            false => (MapPooling::SpaceTime, MapPooling::PerTimeStep),
        };
        assert_eq!([&together, &steps].map(|m| m[0].pooling), [over_all, by_step], "{id}");
        assert_eq!([&together, &steps].map(|m| m[1].pooling), [MapPooling::None; 2], "{id}");
    }
}

#[test]
fn options_a_network_does_not_have_are_refused_in_a_sentence() {
    let told = |id: &str, options: ModelOptions| {
        let config = ModelConfig { id: id.into(), options, ..ModelConfig::default() };
        let error = Network::build(&config, CLASSES, [16, 224, 224], &ComputeDevice::cpu(), 0).err();
        let outline = Outline::of(&config, CLASSES, [16, 224, 224]).err();
        let sentences = [error, outline].map(|e| e.map(|e| e.to_string()));
        assert_eq!(sentences[0], sentences[1]);
        sentences[0].clone().unwrap_or_else(|| panic!("{id} takes {options:?}"))
    };
    let width = ModelOptions { width: Some(0.5), ..ModelOptions::default() };
    let pooling = |pooling| ModelOptions { pooling: Some(pooling), ..ModelOptions::default() };
    let sentence = told("c3d", width);
    assert!(["C3D", "model.options.width", "mobilenet-v2-3d"].iter().all(|p| sentence.contains(p)), "{sentence}");
    let sentence = told("r3d-18", pooling(Pooling::MaxLogits));
    assert!(["model.options.pooling", "resnet-18", "i3d"].iter().all(|p| sentence.contains(p)), "{sentence}");
    let sentence = told("resnet-18", pooling(Pooling::Windows));
    assert!(["Windows", "Average, MaxFeatures, MaxLogits"].iter().all(|p| sentence.contains(p)), "{sentence}");
}

#[test]
fn a_clip_without_room_for_one_window_is_refused() {
    let options = ModelOptions { pooling: Some(Pooling::Windows), ..ModelOptions::default() };
    let config = ModelConfig { id: "i3d".into(), options, ..ModelConfig::default() };
    let built = |clip| Network::build(&config, CLASSES, clip, &ComputeDevice::cpu(), 0).map_err(|e| e.to_string());
    let error = built([16, 112, 112]).err().unwrap();
    assert!(error.contains("I3D") && error.contains("112x112"), "{error}");
    let network = built([16, 224, 224]).unwrap();
    let small = [16, 112, 112];
    let error = network.input(pixels(small), 1, small).unwrap_err().to_string();
    assert!(error.contains("too small"), "{error}");
}

#[test]
fn an_unknown_layer_is_told_the_outermost_there_are_and_which_was_meant() {
    let network = own("i3d", [16, 64, 64]);
    let error = network.cam_layer("Mixed_5c.b0.con3d").unwrap_err().to_string();
    assert!(error.contains("Mixed_5c, and 2") && error.contains("did you mean 'Mixed_5c.b0.conv3d'?"), "{error}");
    assert!(error.len() < 800, "{error}");
}

#[test]
fn heads_are_what_is_behind_the_backbone() {
    for spec in MODELS {
        let network = own(spec.id, [16, 64, 64]);
        let infos = network.parameter_infos();
        let (head, backbone): (Vec<_>, Vec<_>) = infos.iter().partition(|p| spec.is_head(&p.name));
        assert!(!head.is_empty() && backbone.len() > head.len(), "{}", spec.id);
        // Whatever depends on the number of classes is head.
        let config = ModelConfig { id: spec.id.into(), ..ModelConfig::default() };
        let other = Network::build(&config, CLASSES + 1, [16, 64, 64], &ComputeDevice::cpu(), 3).unwrap();
        for (a, b) in infos.iter().zip(other.parameter_infos()) {
            assert!(a.shape == b.shape || spec.is_head(&a.name), "{} {}", spec.id, a.name);
        }
        let frozen: Vec<&str> = infos.iter().filter(|p| !p.trainable).map(|p| p.name.as_str()).collect();
        let expected = if spec.frozen { backbone.len() } else { 0 };
        assert_eq!(frozen.len(), expected, "{}", spec.id);
        assert!(frozen.iter().all(|name| !spec.is_head(name)), "{}", spec.id);
    }
    assert!(!ModelSpec::find("har-resnet-50").unwrap().is_head("conv10.weight"));
}

#[test]
fn networks_are_counted_in_a_moment() {
    let start = std::time::Instant::now();
    for spec in MODELS {
        let (t, h, w) = spec.input;
        let config = ModelConfig { id: spec.id.into(), ..ModelConfig::default() };
        let outline = Outline::of(&config, 400, [t, h, w].map(|n| n as usize)).unwrap();
        assert!(outline.training_bytes_per_clip > outline.evaluation_bytes_per_clip / 2, "{}", spec.id);
    }
    let seconds = start.elapsed().as_secs_f64();
    assert!(seconds < 2.0, "{seconds:.1} s");
}

/// What is left out while training is left out with the right probability and made up for.
#[test]
fn efficientnet_leaves_out_branches_only_while_training() {
    let clip = [2, 32, 32];
    let mut network = own("efficientnet-b0", clip);
    let x = network.input(pixels(clip), 1, clip).unwrap();
    let plain = read(network.forward(x.clone())).unwrap();
    assert_eq!(plain, read(network.forward(x.clone())).unwrap());
    let trained = |network: &mut Network, seed| read(network.forward_train(x.clone(), seed).logits).unwrap();
    let (a, b) = (trained(&mut network, 1), trained(&mut network, 1));
    assert_eq!(a, b, "the same seed leaves out the same");
    assert_ne!(a, trained(&mut network, 2), "another seed leaves out something else");
}

//! Class-activation maps from activations and gradients.

/// A row of the method registry.
#[derive(Clone, Copy, Debug)]
pub struct MethodSpec {
    /// Id in files and on the command line.
    pub id: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// What it computes, one sentence.
    pub summary: &'static str,
    /// The paper.
    pub paper: &'static str,
}

/// Every method.
pub const METHODS: &[MethodSpec] = &[
    MethodSpec {
        id: "grad-cam",
        title: "Grad-CAM",
        summary: "Channels weighted by their mean gradient.",
        paper: "Selvaraju et al., ICCV 2017",
    },
    MethodSpec {
        id: "grad-cam++",
        title: "Grad-CAM++",
        summary: "Channels weighted by positive gradients with higher-order weights; finds several instances.",
        paper: "Chattopadhay et al., WACV 2018",
    },
    MethodSpec {
        id: "hirescam",
        title: "HiResCAM",
        summary: "Gradient times activation, cell by cell; shows only what the network used.",
        paper: "Draelos & Carin, 2020",
    },
];

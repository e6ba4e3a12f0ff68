//! The arguments. Names are a contract with scripts.

mod comparing;
mod desktop;
mod experiment;
mod inside;
mod labels;
mod parts;
mod timing;

pub use comparing::{CompareArgs, CorrectionsArgs, LabelIssuesArgs, MotionTestArgs, ReportArgs};
pub use desktop::{DesktopEntryArgs, PackagingArgs};
pub use experiment::ExperimentArgs;
pub use inside::LookInsideArgs;
pub use labels::ExportLabelsArgs;
pub use parts::{ClassMatchArg, JsonArg, OutArgs, RunArg, SplitArg};
pub use timing::BenchArgs;

use crate::cam::METHODS;
use crate::config::{ConfigKey, DeviceChoice, KEYS, Precision};
use crate::model::{BACKBONE, NORMS, NOTHING};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// See what video action-recognition models see.
#[derive(Debug, Parser)]
#[command(name = "kinolens", version, about, disable_help_subcommand = true, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// Dataset, run folder, video or frame folder to open in the window.
    pub path: Option<PathBuf>,

    /// What to do instead of opening the window.
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the demo dataset: animated people doing exercises, with true labels, masks and poses.
    Demo(DemoArgs),
    /// Statistics, integrity warnings and plots of a dataset.
    Inspect(InspectArgs),
    /// Properties and frames of one video, exact to the frame.
    Probe(ProbeArgs),
    /// Train a network.
    Train(Box<TrainArgs>),
    /// Evaluate a checkpoint.
    Evaluate(EvaluateArgs),
    /// Runs side by side on the same clips: scores, settings, fixed and broken clips, and whether it is luck.
    Compare(CompareArgs),
    /// Clips and edges of segments whose labels are in doubt, the most doubtful first.
    LabelIssues(LabelIssuesArgs),
    /// The corrections of a dataset's labels, and its labels with them as files.
    Corrections(CorrectionsArgs),
    /// What of a clip networks need: motion, the order of frames, the body, the background.
    MotionTest(MotionTestArgs),
    /// The trainings of a plan, one after the other, compared: variants, seeds, folds by subject.
    Experiment(ExperimentArgs),
    /// Sliding windows over a whole video.
    Predict(PredictArgs),
    /// Heatmaps of clips, as videos and numbers.
    Explain(Box<ExplainArgs>),
    /// What every layer sees and never uses: activations, kernels, dead channels, the network drawn.
    LookInside(Box<LookInsideArgs>),
    /// Runs as one HTML file: data, settings, curves, tables with tests, errors with heatmaps, how to reproduce.
    Report(ReportArgs),
    /// Weights of PyTorch or safetensors become a run that evaluate, predict and explain take.
    Import(ImportArgs),
    /// The weights of a run as a file that PyTorch loads.
    Export(ExportArgs),
    /// The labels of a dataset for FiftyOne, COCO or CVAT, with the predictions of a run beside them.
    ExportLabels(Box<ExportLabelsArgs>),
    /// Draw the curves and the last evaluation of a run again.
    Plot(PlotArgs),
    /// Networks: parameters, input, layers.
    Models(ModelsArgs),
    /// Check that decoding, building, forward, backward, device and overlay work here.
    Selftest(SelftestArgs),
    /// Measured figures of this machine: forward pass, training step, heatmap of every network.
    Bench(BenchArgs),
    /// The menu entry of this program, for those who did not install a package.
    DesktopEntry(DesktopEntryArgs),
    /// Man pages and shell completions, as packages need them.
    #[command(hide = true)]
    Packaging(PackagingArgs),
    /// Test a GPU and leave; the program calls itself with this, so that a driver that crashes costs nothing.
    #[command(hide = true)]
    ProbeDevice {
        /// `gpu` or `cuda`.
        kind: String,
    },
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Folder to make the dataset in.
    pub dir: PathBuf,
    /// People.
    #[arg(long)]
    pub subjects: Option<usize>,
    /// The same seed gives the same labels.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Also write videos with the pose drawn in.
    #[arg(long)]
    pub pose_videos: bool,
    /// Replace a demo dataset that is there.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub json: JsonArg,
}

/// How the files of a dataset are read, where they leave it open.
#[derive(Clone, Debug, Default, Args)]
pub struct ReadingArgs {
    /// What the files of some formats leave open (repeatable), such as fold=2, class=noun or tiers=a,b; `inspect` lists it.
    #[arg(long = "choose", value_name = "KEY=VALUE")]
    pub choices: Vec<String>,
    /// Read the dataset as this format instead of recognising it.
    #[arg(long, value_name = "ID")]
    pub format: Option<String>,
    /// Read this table (CSV, TSV or JSON lines), whose columns `--columns` assigns.
    #[arg(long, value_name = "FILE", requires = "columns")]
    pub table: Option<PathBuf>,
    /// Columns of the table by name, or by number from 1: path=…,class=…,start=…,end=…,subject=…,split=…; all but path may be
    /// left out.
    #[arg(long, value_name = "path=…,class=…", requires = "table")]
    pub columns: Option<String>,
    /// What start and end count: s, ms, frames-0 (from 0, the end outside) or frames-1 (from 1, both ends inside).
    #[arg(long, value_name = "UNIT", requires = "table")]
    pub unit: Option<String>,
    /// What becomes of a class of the dataset (repeatable): CLASS=NAME renames it, and classes of one name are one class;
    /// CLASS= leaves it out; CLASS=@background makes it background. #7 is the class with the number 7 in the files.
    #[arg(long, value_name = "CLASS=NAME")]
    pub relabel: Vec<String>,
    /// Classes in output order, by the names they have then, with commas between them; others follow as they stand.
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    pub class_order: Vec<String>,
    /// Lay this file of corrections over the labels, or none, instead of the one beside the dataset.
    #[arg(long, value_name = "FILE|none")]
    pub corrections: Option<String>,
}

#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Dataset folder, split CSV, video or frame folder.
    pub dataset: PathBuf,
    /// List what was read, row by row: classes, videos, annotations, and what became of every row of the files.
    #[arg(long)]
    pub instances: bool,
    /// Only tell what each layout looks for, and why this is of it or not.
    #[arg(long, conflicts_with = "instances")]
    pub layouts: bool,
    #[command(flatten)]
    pub reading: ReadingArgs,
    #[command(flatten)]
    pub to: OutArgs,
    /// Configuration whose clip length, strides and subject pattern count.
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub json: JsonArg,
}

#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// Video file, picture or frame folder.
    pub video: PathBuf,
    /// Decode this frame (repeatable).
    #[arg(long = "frame", value_name = "N")]
    pub frames: Vec<u32>,
    #[command(flatten)]
    pub to: OutArgs,
    #[command(flatten)]
    pub json: JsonArg,
}

/// Where a configuration comes from: preset or file, then `--set`, then the named options.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigArgs {
    /// A preset by name.
    #[arg(long, conflicts_with = "config")]
    pub preset: Option<String>,
    /// A RON file.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set one value, for example training.epochs=20 (repeatable); --help lists all keys.
    #[arg(long = "set", value_name = "KEY=VALUE", long_help = settings_help())]
    pub set: Vec<String>,
}

/// The keys of a configuration, with what they mean.
fn settings_help() -> String {
    let line = |k: &ConfigKey| {
        let resumed = if k.resumable { " May change when a run is resumed." } else { "" };
        format!("{}: {}{resumed}", k.path, k.help)
    };
    let keys: Vec<String> = KEYS.iter().map(line).collect();
    format!("Set one value, for example training.epochs=20 (repeatable). Keys:\n{}", keys.join("\n"))
}

/// The methods there are.
fn methods_help() -> String {
    format!("Method id (repeatable): {}", METHODS.iter().map(|m| m.id).collect::<Vec<_>>().join(", "))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DeviceArg {
    Auto,
    Cuda,
    Gpu,
    Cpu,
}

impl From<DeviceArg> for DeviceChoice {
    fn from(arg: DeviceArg) -> Self {
        match arg {
            DeviceArg::Auto => Self::Auto,
            DeviceArg::Cuda => Self::Cuda,
            DeviceArg::Gpu => Self::Gpu,
            DeviceArg::Cpu => Self::Cpu,
        }
    }
}

#[derive(Debug, Args)]
pub struct SelftestArgs {
    /// Where to compute.
    #[arg(long, value_enum, default_value = "auto")]
    pub device: DeviceArg,
    #[command(flatten)]
    pub json: JsonArg,
}

/// Numbers to train with, as given on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PrecisionArg {
    /// 32 bits everywhere.
    F32,
    /// 16-bit layers with a scaled loss; weights, normalisation and loss keep 32 bits.
    F16,
    /// 16-bit layers with the range of 32 bits.
    Bf16,
}

impl From<PrecisionArg> for Precision {
    fn from(arg: PrecisionArg) -> Self {
        match arg {
            PrecisionArg::F32 => Self::F32,
            PrecisionArg::F16 => Self::F16,
            PrecisionArg::Bf16 => Self::Bf16,
        }
    }
}

#[derive(Debug, Args)]
pub struct TrainArgs {
    /// Dataset folder.
    pub dataset: PathBuf,
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// Run folder to make.
    #[arg(long, required_unless_present_any = ["resume", "find_rate"])]
    pub out: Option<PathBuf>,
    /// Find a learning rate instead: a few steps with a rate that grows (learning-rate range test). Writes nothing.
    #[arg(long, conflicts_with_all = ["resume", "out", "debug", "force"])]
    pub find_rate: bool,
    /// Learning rate of the first step of --find-rate; 1e-7 when left out.
    #[arg(long, value_name = "RATE", requires = "find_rate")]
    pub find_rate_from: Option<f64>,
    /// Learning rate of its last step; 1 when left out.
    #[arg(long, value_name = "RATE", requires = "find_rate")]
    pub find_rate_to: Option<f64>,
    /// Its optimizer steps; 100 when left out.
    #[arg(long, value_name = "N", requires = "find_rate")]
    pub find_rate_steps: Option<u32>,
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Network id (see `kinolens models`).
    #[arg(long)]
    pub model: Option<String>,
    /// Most epochs.
    #[arg(long)]
    pub epochs: Option<u32>,
    /// Clips in a batch.
    #[arg(long)]
    pub batch_size: Option<usize>,
    /// Seed of every random stream.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Where to compute.
    #[arg(long, value_enum)]
    pub device: Option<DeviceArg>,
    /// GPUs of that kind that share every batch: a number, or all.
    #[arg(long, value_name = "N|all", value_parser = device_count)]
    pub devices: Option<usize>,
    /// Numbers the layers compute with while they learn; 16 bits on a GPU that has them.
    #[arg(long, value_enum)]
    pub precision: Option<PrecisionArg>,
    /// Somewhat less memory for more work: most layers' outputs are computed a second time on the way back.
    #[arg(long)]
    pub recompute: bool,
    /// Loading threads; 0 loads in the training thread.
    #[arg(long)]
    pub workers: Option<usize>,
    /// A quick look: 5 % of the clips and one loading thread, unless --set data.fraction or --workers say otherwise, and
    /// before/after videos of augmented clips in RUN/debug.
    #[arg(long)]
    pub debug: bool,
    /// What of the network does not learn: backbone, none, or a layer (frozen with all below it).
    #[arg(long, value_name = "WHAT")]
    pub freeze: Option<String>,
    /// Resume a run from its last checkpoint.
    #[arg(long, value_name = "RUN")]
    pub resume: Option<PathBuf>,
    /// Start from these weights: a file of PyTorch or safetensors, a run, or a checkpoint.
    #[arg(long, value_name = "WEIGHTS", conflicts_with = "resume")]
    pub init_from: Option<PathBuf>,
    /// Replace a run that is there.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub json: JsonArg,
}

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Weight file (.pth, .pt, .safetensors), run or checkpoint.
    pub weights: PathBuf,
    /// Network id (see `kinolens models`); told from the weights when left out.
    #[arg(long)]
    pub model: Option<String>,
    /// Number of classes, or a .ron, .json, .txt or .csv file that lists them in output order.
    #[arg(long, value_name = "N|FILE")]
    pub classes: Option<String>,
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Run folder to make.
    #[arg(long)]
    pub out: PathBuf,
    /// Replace a run that is there.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub json: JsonArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WeightFormatArg {
    Safetensors,
    Pth,
    Onnx,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    pub run: RunArg,
    /// Kind of file; by the ending of its name when left out (.pth and .pt are files of PyTorch, others safetensors).
    #[arg(long, value_enum)]
    pub format: Option<WeightFormatArg>,
    /// File to write.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Replace a file that is there.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub json: JsonArg,
}

#[derive(Debug, Args)]
#[command(mut_arg("out", |a| a.help("Where to write; `results/CHECKPOINT` of the run when left out")))]
#[command(mut_arg("force", |a| a.help("Replace results in `--out`")))]
pub struct EvaluateArgs {
    #[command(flatten)]
    pub run: RunArg,
    /// Dataset whose class names the run knows.
    pub dataset: PathBuf,
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// Which clips.
    #[arg(long, value_enum, default_value_t = SplitArg::Test)]
    pub split: SplitArg,
    #[command(flatten)]
    pub classes: ClassMatchArg,
    /// Also write what was predicted for each clip to this .csv or .safetensors file (repeatable).
    #[arg(long, value_name = "FILE")]
    pub export_predictions: Vec<PathBuf>,
    #[command(flatten)]
    pub to: OutArgs,
    #[command(flatten)]
    pub json: JsonArg,
}

#[derive(Debug, Args)]
pub struct PredictArgs {
    #[command(flatten)]
    pub run: RunArg,
    /// Video file or frame folder.
    pub video: PathBuf,
    #[command(flatten)]
    pub to: OutArgs,
    #[command(flatten)]
    pub json: JsonArg,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    #[command(flatten)]
    pub run: RunArg,
    /// Dataset or video.
    pub source: PathBuf,
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// Method id (repeatable)
    #[arg(long = "method", value_name = "ID", help = methods_help())]
    pub methods: Vec<String>,
    /// Layer id (repeatable); the network's default when left out.
    #[arg(long = "layer", value_name = "ID")]
    pub layers: Vec<String>,
    /// The logit to explain: predicted, true, or a class name or number.
    #[arg(long, default_value = "predicted")]
    pub class: String,
    /// A logit to take off it, so that the map shows what speaks for the one class rather than the other.
    #[arg(long, value_name = "ID|predicted|true")]
    pub against: Option<String>,
    /// Explain this clip (repeatable).
    #[arg(long = "clip", value_name = "VIDEO:START")]
    pub clips: Vec<String>,
    /// Explain one of the views in which the run is evaluated (clip.clips times clip.crops), from 0 in the order of
    /// views_SPLIT.csv.
    #[arg(long, value_name = "N")]
    pub view: Option<usize>,
    /// Where random samples come from.
    #[arg(long, value_enum, default_value_t = SplitArg::Test)]
    pub split: SplitArg,
    /// Random samples when no clip is named.
    #[arg(long, default_value_t = 5)]
    pub num_samples: usize,
    /// Sample only clips the network gets wrong.
    #[arg(long)]
    pub misclassified_only: bool,
    /// Pool gradients for each time step by itself instead of over the whole clip.
    #[arg(long)]
    pub per_time_step: bool,
    /// Weight of the heatmap in the overlay.
    #[arg(long, default_value_t = 0.5)]
    pub alpha: f32,
    /// The same weight everywhere, instead of one that grows with the heat and leaves cold places to the picture.
    #[arg(long)]
    pub even: bool,
    /// How what lies between the cells of a map is found: nearest, smooth or cubic.
    #[arg(long, default_value = "smooth")]
    pub interpolation: String,
    /// Frames a second of the videos written.
    #[arg(long, default_value_t = 10.0)]
    pub fps: f64,
    /// Colour map id.
    #[arg(long, default_value = "turbo")]
    pub color_map: String,
    /// Seed of the sample.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Include the raw map values in the JSON.
    #[arg(long)]
    pub raw: bool,
    #[command(flatten)]
    pub classes: ClassMatchArg,
    #[command(flatten)]
    pub to: OutArgs,
    #[command(flatten)]
    pub json: JsonArg,
}

#[derive(Debug, Args)]
#[command(mut_arg("out", |a| a.help("Where to write; the run's `plots/` when left out")))]
pub struct PlotArgs {
    /// Run folder.
    pub run: PathBuf,
    /// How many classes the "top" plot shows.
    #[arg(long, default_value_t = 5)]
    pub top_classes: usize,
    #[command(flatten)]
    pub to: OutArgs,
    #[command(flatten)]
    pub json: JsonArg,
}

#[derive(Debug, Args)]
pub struct ModelsArgs {
    /// Output units.
    #[arg(long, default_value_t = 17)]
    pub classes: usize,
    /// Count as trainable what learns when this is frozen; the architecture default when left out.
    #[arg(long, value_name = "WHAT", value_parser = [BACKBONE, NORMS, NOTHING])]
    pub freeze: Option<String>,
    #[command(flatten)]
    pub json: JsonArg,
}

/// A number of devices; `all` is 0.
fn device_count(text: &str) -> Result<usize, String> {
    match text {
        "all" => Ok(0),
        _ => text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "give a number of GPUs, or all".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Commands in the code blocks of a page, without the words that explain them.
    fn commands(page: &str) -> Vec<&str> {
        let blocks = page.split("```").skip(1).step_by(2);
        let lines = blocks.flat_map(str::lines).flat_map(|line| line.split("&&")).map(str::trim);
        lines.filter(|l| l.starts_with("kinolens ")).map(|l| l.split("  ").next().unwrap_or(l)).collect()
    }

    #[test]
    fn the_commands_of_a_report_can_be_given() {
        let lines = include_str!("../compare/report/reproduce.txt").lines();
        let filled: Vec<String> = lines
            .filter_map(|l| Some(l.split_once(": ")?.1.replace("{split}", "test").replace(['{', '}'], "")))
            .collect();
        assert!(filled.len() >= 6);
        for line in filled {
            let parsed = Cli::try_parse_from(line.split_whitespace());
            assert!(parsed.is_ok(), "{line}: {}", parsed.err().map_or_else(String::new, |e| e.to_string()));
        }
    }

    #[test]
    fn every_command_of_the_pages_can_be_given() {
        let pages = [
            include_str!("../../README.md"),
            include_str!("../../docs/accuracy.md"),
            include_str!("../../docs/inside.md"),
            include_str!("../../docs/weights.md"),
        ];
        let all: Vec<&str> = pages.into_iter().flat_map(commands).collect();
        assert!(all.len() > 20, "{all:?}");
        for line in all.into_iter().filter(|l| !l.contains('[')) {
            let parsed = Cli::try_parse_from(line.split_whitespace());
            assert!(parsed.is_ok(), "{line}: {}", parsed.err().map_or_else(String::new, |e| e.to_string()));
        }
    }
}

//! The window.
//!
//! # How a click travels
//!
//! A panel draws from [`AppState`] and pushes an [`Action`]; [`dispatch`] is the only code that changes the state and
//! the only one that hands a [`Job`](crate::jobs::Job) to the [`Workers`]. What the workers tell comes back as events,
//! which `dispatch` writes into the state before the next frame is drawn. There is ONE [`Selection`]: choosing anything
//! anywhere moves every panel.
//!
//! | file | story |
//! |---|---|
//! | [`app`] | the frame loop: drain events, apply keys, draw, dispatch, ask for the next repaint |
//! | [`state`], [`selection`] | everything the window knows |
//! | [`arrangement`] | what somebody arranged for one dataset or one run, kept under its folder |
//! | [`action`], [`commands`], [`keys`] | what can be asked for, its name, menu, key and palette entry |
//! | [`dispatch`] | the only hand that changes the state |
//! | [`video_rows`] | which videos pass the filter, and in what order |
//! | [`derived`] | values made from others, kept until one of those changes |
//! | [`awaited`] | what is not there yet: not asked, pending with the value before, ready, unavailable |
//! | [`disk`] | what is asked of the disk, answered on a thread of its own |
//! | [`explain`] | which heatmaps and predictions are wanted, asked for, and kept |
//! | [`guide`] | what to do next in every state of the window |
//! | [`finder`] | what the palette finds: actions and things, ranked |
//! | [`drawn`] | pictures and plots that are drawn on the thread that writes them |
//! | [`inside`] | which layer is looked at, and what of it is wanted |
//! | [`networks`] | which network is in use, and how it stands to the open dataset |
//! | [`augmentation`] | what a training would see of a clip: which look is wanted, asked for, and kept |
//! | [`weights`] | which weight files were looked into, and what was found |
//! | [`services`], [`annotations`], [`committed`] | frames, masks, poses and thumbnails, each loaded on a thread of its own |
//! | [`panel`], [`panels`] | the registry of panels and the panels |
//! | [`layout`] | workspaces as tiles; saved with string ids |
//! | [`chrome`] | top bar, status bar, welcome page, dialogs, command palette, help, messages |
//! | [`theme`], [`widgets`] | how it looks |

pub mod action;
pub mod annotations;
pub mod app;
pub mod arrangement;
pub mod augmentation;
pub mod awaited;
pub mod chrome;
pub mod commands;
pub mod committed;
pub mod derived;
pub mod disk;
pub mod dispatch;
pub mod drawn;
pub mod explain;
pub mod finder;
pub mod guide;
pub mod inside;
pub mod keys;
pub mod layout;
pub mod networks;
pub mod panel;
pub mod panels;
pub mod selection;
pub mod services;
pub mod state;
pub mod storage;
pub mod theme;
pub mod thumbs;
pub mod video_rows;
pub mod weights;
pub mod widgets;
pub mod workers;

pub use action::Action;
pub use app::{App, LaunchOptions, run};
pub use panel::{Panel, PanelCx, PanelSpec};
pub use panels::PANELS;
pub use selection::Selection;
pub use state::{AppState, Workspace};
pub use workers::Workers;

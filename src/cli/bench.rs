//! `kinolens bench`: how fast is this machine?

use super::Exit;
use super::args::BenchArgs;
use super::common::Outcome;
use super::monitor::{print_json, print_line};
use crate::model::profile::{self, Spent};
use crate::model::{ComputeDevice, MODELS, ModelSpec};
use crate::peers::{Width, of_process};
use crate::train::bench::{How, Round, Subject, large_product};
use anyhow::anyhow;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::BufRead;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Operations of a profile that are told.
const TOLD: usize = 40;

type NamedRound = (&'static str, Round);

pub(super) fn bench(args: &BenchArgs) -> Outcome {
    if let Some(video) = &args.video {
        return super::bench_data::data(args, video);
    }
    let (models, rounds) = asked(args)?;
    if let Some(threads) = args.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        pool.map_err(|e| anyhow!("cannot start {threads} threads: {e}"))?;
    }
    let peers = of_process();
    if args.in_turns && !peers.is_alone() {
        return Err(Exit::Usage(anyhow!("--in-turns is done by one process; start it once")));
    }
    let (device, messages) = ComputeDevice::choose(args.device.into());
    messages.iter().for_each(|message| eprintln!("warning: {message}"));
    let how = How { precision: args.precision.into(), recompute: args.recompute };
    let (mut results, mut profiles) = (Vec::new(), Vec::new());
    for model in models {
        for (name, round) in &rounds {
            let mut subject = Subject::new(model, *round, args.batch, args.clip, &device, how)?;
            subject.join(peers, Width::Full);
            subject.run()?; // Buffers and threads are there afterwards.
            if args.in_turns {
                in_turns(&mut subject)?;
                continue;
            }
            let mut seconds = Vec::with_capacity(args.rounds);
            let (mut waiting, mut exchanging) = (Vec::new(), Vec::new());
            for _ in 0..args.rounds {
                seconds.push(time(&mut subject)?);
                if let Some((_, shared)) = subject.shared() {
                    waiting.push(shared.waiting);
                    exchanging.push(shared.exchanging);
                }
            }
            let median = median(&mut seconds);
            let name = format!("{model}: {name}");
            let entry =
                |what: &str, seconds: f64| json!({ "name": format!("{name}{what}"), "value": seconds, "unit": "s" });
            if !args.json.json {
                print_line(&format!("{name:50} {:9.2} ms", median * 1e3));
            }
            results.push(entry("", median));
            results.push(entry(", fastest", seconds[0]));
            if let Some((bytes, _)) = subject.shared() {
                let (waiting, exchanging) = (self::median(&mut waiting), self::median(&mut exchanging));
                let sent = bytes as f64 / 1e6;
                if !args.json.json {
                    print_line(&format!(
                        "    of {} processes: {:.2} ms waiting for the slowest, {:.2} ms exchanging gradients, {sent:.1} MB sent \
                         by each",
                        peers.size(),
                        waiting * 1e3,
                        exchanging * 1e3
                    ));
                }
                results.extend([entry(", waiting", waiting), entry(", exchange", exchanging)]);
                results.push(json!({ "name": format!("{name}, sent"), "value": bytes, "unit": "B" }));
            }
            if args.profile {
                profiles.extend(profiled(&name, &mut subject, args, &device)?);
            }
        }
    }
    if args.json.json && !args.in_turns {
        let threads = rayon::current_num_threads();
        print_json(&json!({
            "device": device.title(), "precision": how.precision.name(), "recompute": how.recompute,
            "device_memory_bytes": device.memory().map(|m| m.reserved), "threads": threads, "batch": args.batch, "rounds": args.rounds,
            "instructions": crate::simd::name(), "processes": peers.size(),
            "results": results, "profile": profiles,
        }));
    }
    Ok(ExitCode::SUCCESS)
}

/// The networks and kinds of rounds asked for.
fn asked(args: &BenchArgs) -> Result<(Vec<&'static str>, Vec<NamedRound>), Exit> {
    if [args.threads == Some(0), args.batch == 0, args.rounds == 0].contains(&true) {
        return Err(Exit::Usage(anyhow!("--threads, --batch and --rounds must be at least 1")));
    }
    let find = |id: &String| ModelSpec::find(id).map(|m| m.id).map_err(|e| Exit::Usage(e.into()));
    let models = args.models.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    let names = Round::ALL.map(|(name, _)| name).join(", ");
    let round = |name: &String| {
        let known = Round::ALL.into_iter().find(|(n, _)| n == name);
        known.ok_or_else(|| Exit::Usage(anyhow!("--only {name} is not one of {names}")))
    };
    let rounds = args.only.iter().map(round).collect::<Result<Vec<_>, _>>()?;
    Ok((
        if models.is_empty() { MODELS.iter().map(|m| m.id).collect() } else { models },
        if rounds.is_empty() { Round::ALL.to_vec() } else { rounds },
    ))
}

/// The median of some seconds, which are in order afterwards.
fn median(seconds: &mut [f64]) -> f64 {
    seconds.sort_by(f64::total_cmp);
    let (count, at) = (seconds.len(), |i: usize| seconds.get(i).copied().unwrap_or_default());
    (at(count.saturating_sub(1) / 2) + at(count / 2)) / 2.0
}

fn time(subject: &mut Subject) -> Result<f64, Exit> {
    let begun = Instant::now();
    subject.run()?;
    Ok(begun.elapsed().as_secs_f64())
}

/// A round for every line that comes in.
fn in_turns(subject: &mut Subject) -> Result<(), Exit> {
    print_line("ready");
    for line in std::io::stdin().lock().lines() {
        line?;
        print_line(&time(subject)?.to_string());
    }
    Ok(())
}

/// Some more rounds, with their operations: of each the fastest.
fn profiled(name: &str, subject: &mut Subject, args: &BenchArgs, device: &ComputeDevice) -> Result<Vec<Value>, Exit> {
    let large = large_product(device)?;
    let (mut whole, mut fastest) = (f64::INFINITY, BTreeMap::<String, Spent>::new());
    for _ in 0..args.rounds {
        profile::start();
        let time = time(subject);
        let spent = profile::stop();
        whole = whole.min(time?);
        for (operation, now) in spent {
            let best = fastest.entry(operation).or_insert(now);
            best.time = best.time.min(now.time);
        }
    }
    let own: f64 = fastest.values().map(|s| s.time.as_secs_f64()).sum();
    let rest = Spent { calls: 1, time: Duration::from_secs_f64((whole - own).max(0.0)), work: 0 };
    let mut rows: Vec<(String, Spent)> = fastest.into_iter().collect();
    rows.sort_by_key(|(_, spent)| std::cmp::Reverse(spent.time));
    rows.insert(0, ("everything else".to_owned(), rest));
    // How much of what a large product of matrices reaches, in operations that are sums of products.
    let reached = |s: &Spent| (s.work > 0).then(|| s.work as f64 / s.time.as_secs_f64() / large);
    if !args.json.json {
        print_line(&format!(
            "    {:9.1} G pairs of multiplication and addition a second in a large product",
            large / 1e9
        ));
        for (operation, spent) in rows.iter().take(TOLD) {
            let (seconds, calls) = (spent.time.as_secs_f64(), spent.calls);
            let share = 100.0 * seconds / whole;
            let of_large = reached(spent).map_or("     ".to_owned(), |r| format!("{r:4.2}x"));
            let line = format!("    {:9.2} ms  {share:5.1} %  {of_large}  {calls:>4} x  {operation}", seconds * 1e3);
            print_line(&line);
        }
    }
    let row = |(operation, spent): (String, Spent)| {
        json!({
            "of": name, "operation": operation, "calls": spent.calls, "seconds": spent.time.as_secs_f64(),
            "of_large_product": reached(&spent),
        })
    };
    Ok(rows.into_iter().map(row).collect())
}

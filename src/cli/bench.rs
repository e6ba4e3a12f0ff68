//! `kinolens bench`: how fast is this machine?

use super::Exit;
use super::args::BenchArgs;
use super::commands::Outcome;
use super::monitor::{print_json, print_line};
use crate::model::{ComputeDevice, MODELS, ModelSpec, profile};
use crate::train::bench::{Round, Subject};
use anyhow::anyhow;
use serde_json::{Value, json};
use std::io::BufRead;
use std::process::ExitCode;
use std::time::Instant;

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
    let device = ComputeDevice::cpu();
    let (mut results, mut profiles) = (Vec::new(), Vec::new());
    for model in models {
        for (name, round) in &rounds {
            let mut subject = Subject::new(model, *round, args.batch, &device)?;
            subject.run()?; // Buffers and threads are there afterwards.
            if args.in_turns {
                in_turns(&mut subject)?;
                continue;
            }
            let mut seconds = Vec::with_capacity(args.rounds);
            for _ in 0..args.rounds {
                seconds.push(time(&mut subject)?);
            }
            seconds.sort_by(f64::total_cmp);
            let median = (seconds[(args.rounds - 1) / 2] + seconds[args.rounds / 2]) / 2.0;
            let name = format!("{model}: {name}");
            let entry =
                |what: &str, seconds: f64| json!({ "name": format!("{name}{what}"), "value": seconds, "unit": "s" });
            if !args.json.json {
                print_line(&format!("{name:50} {:9.2} ms", median * 1e3));
            }
            results.push(entry("", median));
            results.push(entry(", fastest", seconds[0]));
            if args.profile {
                profiles.extend(profiled(&name, &mut subject, args.json.json)?);
            }
        }
    }
    if args.json.json && !args.in_turns {
        let threads = rayon::current_num_threads();
        print_json(&json!({
            "device": device.title(), "threads": threads, "batch": args.batch, "rounds": args.rounds,
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

/// One more round, with its operations.
fn profiled(name: &str, subject: &mut Subject, quiet: bool) -> Result<Vec<Value>, Exit> {
    profile::start();
    let whole = time(subject);
    let spent = profile::stop();
    let whole = whole?;
    let own: f64 = spent.iter().map(|(_, s)| s.time.as_secs_f64()).sum();
    let mut rows: Vec<(String, u64, f64)> =
        spent.into_iter().map(|(operation, s)| (operation, s.calls, s.time.as_secs_f64())).collect();
    rows.insert(0, ("everything else".to_owned(), 1, (whole - own).max(0.0)));
    if !quiet {
        for (operation, calls, seconds) in rows.iter().take(TOLD) {
            let share = 100.0 * seconds / whole;
            print_line(&format!("    {:9.2} ms  {share:5.1} %  {calls:>4} x  {operation}", seconds * 1e3));
        }
    }
    let row = |(operation, calls, seconds): (String, u64, f64)| json!({ "of": name, "operation": operation, "calls": calls, "seconds": seconds });
    Ok(rows.into_iter().map(row).collect())
}

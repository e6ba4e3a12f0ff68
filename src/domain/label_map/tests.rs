use super::*;

/// `walk` is number 2, `run` 5, `jump` 7, `idle` 9.
fn classes() -> ClassSet {
    let all = [(2, "walk"), (5, "run"), (7, "jump"), (9, "idle")];
    ClassSet { classes: all.map(|(id, name)| ClassInfo::numbered(id, name)).into() }
}

fn map(relabel: &[&str], order: &[&str]) -> LabelMap {
    let own = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
    LabelMap::parse(&own(relabel), &own(order)).unwrap()
}

/// Number, name and the numbers of the source.
type Named = (i64, String, Option<String>);

fn resolved(relabel: &[&str], order: &[&str]) -> (Vec<Fate>, Vec<Named>) {
    let mapping = map(relabel, order).resolve(&classes()).unwrap();
    let infos = mapping.classes.classes.into_iter().map(|c| (c.id, c.name, c.source));
    (mapping.fates.0, infos.collect())
}

fn info(id: i64, name: &str, source: &str) -> Named {
    (id, name.to_owned(), Some(source.to_owned()))
}

#[test]
fn classes_are_renamed_merged_left_out_and_put_in_order() {
    let (fates, named) = resolved(&["run=sprint"], &[]);
    assert_eq!(fates, [0, 1, 2, 3].map(Fate::Class));
    assert_eq!(named[1], info(5, "sprint", "5"));
    // Into a class of the dataset: it stands where that one stands and shows both numbers.
    let (fates, named) = resolved(&["walk=jump", "idle="], &[]);
    assert_eq!(fates, [Fate::Class(1), Fate::Class(0), Fate::Class(1), Fate::LeftOut]);
    assert_eq!(named, [info(5, "run", "5"), info(7, "jump", "2 + 7")]);
    // Into one of a new name: where the first of them stood.
    let (fates, named) = resolved(&["jump=legs", "walk=legs", "idle=@background"], &["run", "legs"]);
    assert_eq!(fates, [Fate::Class(1), Fate::Class(0), Fate::Class(1), Fate::Background]);
    assert_eq!(named, [info(5, "run", "5"), info(2, "legs", "2 + 7")]);
    // By number, and an order that names a few.
    let (fates, named) = resolved(&["#9=rest"], &["rest"]);
    assert_eq!(fates, [1, 2, 3, 0].map(Fate::Class));
    assert_eq!(named[0], info(9, "rest", "9"));
    assert_eq!(map(&["#4=none"], &[]).resolve(&classes()).unwrap().missing, ["#4"]);
}

#[test]
fn faults_are_sentences() {
    let fault = |relabel: &[&str], order: &[&str]| map(relabel, order).resolve(&classes()).unwrap_err().to_string();
    for (relabel, order, words) in [
        (&["wlak=x"][..], &[][..], &["'wlak'", "walk, run, jump, idle", "did you mean 'walk'?"][..]),
        (&["walk=x", "walk=y"], &[], &["twice", "'walk'"]),
        (&["walk=x", "#2=x"], &[], &["twice", "'#2'"]),
        (&["walk=run", "run="], &[], &["'walk' a part of 'run', which it leaves out"]),
        (&["walk=run", "run=@background"], &[], &["which it makes background"]),
        (&["walk=run", "run=sprint"], &[], &["itself becomes 'sprint'", "say 'walk' becomes 'sprint'"]),
        (&["walk=", "run=", "jump=@background", "idle="], &[], &["leaves no class"]),
        (&["walk=x"], &["walk"], &["order", "'walk'", "x, run, jump, idle"]),
        (&[], &["run", "run"], &["'run' twice"]),
        (&["walk=Background"], &[], &["'walk' background", "@background"]),
    ] {
        let sentence = fault(relabel, order);
        assert!(words.iter().all(|w| sentence.contains(w)), "{relabel:?} {order:?}: {sentence}");
    }
    assert!(LabelMap::parse(&["walk".into()], &[]).unwrap_err().contains("CLASS=NAME"));
    assert!(LabelMap::parse(&["walk=@backgruond".into()], &[]).unwrap_err().contains("CLASS=@background"));
    assert_eq!(map(&["idle=@Background"], &[]), map(&["idle=@background"], &[]));
    // A class that is called so in the dataset itself may be joined.
    let own = ClassSet::from_names(["background", "a", "b"]);
    assert_eq!(map(&["a=background"], &[]).resolve(&own).unwrap().classes.len(), 2);
    let twice = ClassSet::from_names(["a", "a", "b"]);
    let named = map(&["a=c"], &[]).resolve(&twice).unwrap_err().to_string();
    assert!(named.contains("by its number"), "{named}");
    let by_number = map(&["#1=c"], &[]).resolve(&twice).unwrap();
    assert_eq!(by_number.fates.0, [0, 1, 2].map(Fate::Class));
}

#[test]
fn numbers_may_swap_names_and_older_configurations_give_names_to_numbers() {
    let old: LabelMap = ron::from_str(r#"[(2, "run"), (5, "walk"), (40, "gone")]"#).unwrap();
    let mapping = old.resolve(&classes()).unwrap();
    let names: Vec<&str> = mapping.classes.classes.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["run", "walk", "jump", "idle"]);
    assert_eq!((mapping.fates.0, mapping.missing), ([0, 1, 2, 3].map(Fate::Class).to_vec(), vec!["#40".to_owned()]));
    assert_eq!(serde_json::from_str::<LabelMap>(r#"[[2,"run"],[5,"walk"],[40,"gone"]]"#).unwrap(), old);
    let new = map(&["walk=run", "idle=", "jump=@background"], &["run"]);
    let text = ron::to_string(&new).unwrap();
    assert_eq!(ron::from_str::<LabelMap>(&text).unwrap(), new, "{text}");
    assert_eq!(serde_json::from_str::<LabelMap>(&serde_json::to_string(&new).unwrap()).unwrap(), new);
    assert_eq!(ron::from_str::<LabelMap>("[]").unwrap(), LabelMap::default());
    assert!(ron::from_str::<LabelMap>("(rule: [])").is_err());
}

#[test]
fn what_is_changed_is_told_in_words() {
    let mapping = map(&["walk=legs", "jump=legs", "idle="], &[]).resolve(&classes()).unwrap();
    let changes = mapping.changes(&classes());
    assert_eq!(ClassChange::words(&changes), ["legs = walk (2) + jump (7)", "left out: idle (9)"]);
    // Of another dataset only what it has.
    let other = ClassSet::from_names(["jump", "legs"]);
    let fitting = map(&["walk=legs", "jump=legs", "idle="], &["run"]).fitting(&other);
    assert_eq!(fitting, map(&["jump=legs"], &[]));
    assert_eq!(fitting.resolve(&other).unwrap().fates.0, [0, 0].map(Fate::Class));
}

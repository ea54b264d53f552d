//! A run is ended by a signal at each of its stages: what it wrote is whole, nothing is left running, and it says so.

use super::{Finished, Scene, events, eventually, manifest, nothing_is_left, signal};
use std::process::Stdio;

#[test]
fn a_signal_at_any_stage_ends_the_run_and_leaves_nothing() {
    let stages = [
        ("TERM", &["preparing", "booting"][..]),
        ("INT", &["booting"]),
        ("HUP", &["staging", "running"]),
        ("TERM", &["running"]),
    ];
    for (name, phases) in stages {
        let Some(scene) = Scene::new() else { return };
        let mut command = scene.run(&["--exec", "echo begun; sleep 1000"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("kanalyze runs");
        let run = scene.awaited_run();
        eventually(phases[0], || phases.iter().any(|phase| manifest(&run)["phase"] == *phase).then_some(()));
        signal(child.id().try_into().expect("a pid"), name);
        let done = Finished { output: child.wait_with_output().expect("waited"), run };
        done.exits(2).says("stopped by signal");
        let manifest = manifest(&done.run);
        assert_eq!(
            (&manifest["outcome"]["verdict"], &manifest["phase"]),
            (&"stopped".into(), &"ended".into()),
            "{name}"
        );
        assert!(!events(&done.run).is_empty(), "{name}: its events are whole");
        nothing_is_left(&done.run);
    }
}

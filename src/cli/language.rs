//! `--lm-model`: a language model's proposals for templates that the reply model leaves open.

use std::path::PathBuf;

use clap::Args;

use super::{screen::Screen, settings::Settings};
use crate::{error::Error, store::Store};

#[derive(Debug, Clone, Default, Args)]
pub(super) struct Language {
    /// Folder of a sentence model (config.json, tokenizer.json, model.safetensors) that proposes a type for new templates
    /// left at T16; needs a build with --features lm
    #[arg(long, value_name = "DIR", env = "BOUNCEWATCH_LM_MODEL")]
    lm_model: Option<PathBuf>,
}

impl Language {
    fn model(&self, settings: &Settings) -> Option<PathBuf> {
        self.lm_model.clone().or_else(|| settings.run.lm_model.clone())
    }

    /// Fails where a model is named that this build, or this disk, does not have: better before a long run than after.
    pub(super) fn available(&self, settings: &Settings) -> Result<(), Error> {
        match self.model(settings) {
            Some(dir) if !cfg!(feature = "lm") => Err(Error::Usage(format!(
                "--lm-model {}: this bouncewatch has no language model stage; build it with `cargo build --release --features lm`",
                dir.display()
            ))),
            Some(dir) if !dir.join("model.safetensors").is_file() => {
                Err(Error::Usage(format!("--lm-model {}: has no model.safetensors", dir.display())))
            }
            _ => Ok(()),
        }
    }

    /// Asks the model about templates nobody asked about yet, and stores what it said.
    pub(super) fn propose(&self, store: &mut Store, settings: &Settings, screen: &Screen) -> Result<(), Error> {
        self.available(settings)?;
        match self.model(settings) {
            Some(dir) => ask(&dir, store, screen),
            None => Ok(()),
        }
    }
}

#[cfg(feature = "lm")]
fn ask(dir: &std::path::Path, store: &mut Store, screen: &Screen) -> Result<(), Error> {
    let open = store.unexplained()?;
    if open.is_empty() {
        return Ok(());
    }
    let proposals = crate::lm::Proposer::open(dir)?.propose(&open)?;
    store.keep_proposals(&proposals)?;
    let typed = proposals.iter().filter(|(_, p)| p.kind != crate::bounce::BounceType::Other).count();
    screen.say(&format!("language model: asked about {} new templates, proposes a type for {typed}", open.len()));
    Ok(())
}

#[cfg(not(feature = "lm"))]
fn ask(_: &std::path::Path, _: &mut Store, _: &Screen) -> Result<(), Error> {
    Ok(())
}

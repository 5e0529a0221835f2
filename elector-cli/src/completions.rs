use clap::Args;
use clap_complete::Shell;

use crate::{
    definition::{definition, program},
    family::Family,
};

/// The arguments of `elector completions`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
The script knows the subcommands, their options, and the names of algorithms and scenarios. Write it
to a file that the shell reads. These commands do it for one user:

Bash, with the package bash-completion:
  mkdir -p ~/.local/share/bash-completion/completions
  elector completions bash > ~/.local/share/bash-completion/completions/elector
Bash, without that package:
  elector completions bash > ~/.elector.bash && echo '. ~/.elector.bash' >> ~/.bashrc
Zsh, if ~/.zfunc is in fpath before compinit runs:
  mkdir -p ~/.zfunc && elector completions zsh > ~/.zfunc/_elector
Fish:
  mkdir -p ~/.config/fish/completions
  elector completions fish > ~/.config/fish/completions/elector.fish

Then start a new shell. Write the script again after each upgrade.")]
pub(crate) struct Completions {
    /// The shell that reads the script
    shell: Shell,
}

impl Completions {
    /// Returns the script for a program that offers the algorithms in `families`.
    pub(crate) fn script(&self, families: &[Family]) -> String {
        let program = program();
        let mut definition = definition(families, &program);
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut definition, program, &mut script);
        String::from_utf8_lossy(&script).into_owned()
    }
}

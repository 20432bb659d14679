fn main() -> std::process::ExitCode {
    spoolsuite::commands::shell::with_process(|words, shell| {
        spoolsuite::commands::lp::run(&std::env::args_os().next().unwrap_or_default(), words, shell)
    })
}

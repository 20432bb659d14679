fn main() -> std::process::ExitCode {
    spoolsuite::commands::shell::with_process(spoolsuite::commands::pd::verbs::pdchange::run)
}

fn main() -> std::process::ExitCode {
    shenban::cli::run()
}

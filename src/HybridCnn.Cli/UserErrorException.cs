namespace HybridCnn.Cli;

/// <summary>An error that the user can act on: one line that says what is wrong, one line that says what to do.</summary>
internal sealed class UserErrorException(int exitCode, string whatIsWrong, string whatToDo, Exception? cause = null)
    : Exception(whatIsWrong, cause)
{
    public int Code { get; } = exitCode;

    public string WhatToDo { get; } = whatToDo;

    public static UserErrorException BadUsage(string whatIsWrong, string whatToDo, Exception? cause = null) => new(ExitCode.Usage, whatIsWrong, whatToDo, cause);

    public static UserErrorException BadData(string whatIsWrong, string whatToDo, Exception? cause = null) =>
        new(ExitCode.Data, whatIsWrong, whatToDo, cause);
}

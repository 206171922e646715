# Thin verbs over dotnet and cmake; what follows the verb is handed on to the dotnet command.
#   ./build.ps1 native | build | test | c | bench | pack | consumer | all
# No param block: dotnet's -v and -c would be taken for abbreviated parameters.
$Verb = $args[0]
[string[]] $Rest = @()
if ($args.Count -gt 1) { $Rest = $args[1..($args.Count - 1)] }

$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot

function Invoke-Tool([string] $Tool, [string[]] $Arguments) {
    Write-Host "> $Tool $Arguments"
    & $Tool @Arguments
    if ($LASTEXITCODE -ne 0) {
        Write-Host "$Tool ended with exit code $LASTEXITCODE"
        exit $LASTEXITCODE
    }
}

# The helper by itself with its C tests; the managed build runs CMake on its own.
function Invoke-Native {
    Invoke-Tool cmake @('-S', '.', '-B', 'artifacts/native/ctest', '-DCMAKE_BUILD_TYPE=Release')
    Invoke-Tool cmake @('--build', 'artifacts/native/ctest', '--config', 'Release')
    Invoke-Tool ctest @('--test-dir', 'artifacts/native/ctest', '-C', 'Release', '--output-on-failure')
}
function Invoke-Build { Invoke-Tool dotnet (@('build', '-c', 'Release') + $Rest) }
function Invoke-Test { Invoke-Tool dotnet (@('test', '-c', 'Release') + $Rest) }
# The library for C, compiled ahead of time, with its tests and samples.
function Invoke-C {
    Invoke-Tool dotnet (@('publish', 'src/HybridCnn.C', '-c', 'Release', '-o', 'artifacts/c') + $Rest)
    Invoke-Tool cmake @('-S', 'tests/abi', '-B', 'artifacts/abi', '-DHYBRIDCNN_LIBRARY=artifacts/c/libhybridcnn.so')
    Invoke-Tool cmake @('--build', 'artifacts/abi', '--config', 'Release')
    Invoke-Tool ctest @('--test-dir', 'artifacts/abi', '-C', 'Release', '--output-on-failure')
}
function Invoke-Bench { Invoke-Tool dotnet (@('run', '-c', 'Release', '--project', 'benchmarks/HybridCnn.Benchmarks', '--') + $Rest) }
function Invoke-Pack {
    foreach ($Project in 'src/HybridCnn', 'src/HybridCnn.Runtime', 'src/HybridCnn.TorchSharp') {
        Invoke-Tool dotnet (@('pack', $Project, '-c', 'Release', '-o', 'artifacts/packages') + $Rest)
    }
}
# What a user's program sees: the packages of artifacts/packages in an application outside this folder.
function Invoke-Consumer {
    Invoke-Tool dotnet @('run', '--file', 'tests/consumer/packages.cs', '--', 'artifacts/packages')
    Invoke-Tool dotnet (@('run', '--file', 'tests/consumer/consumer.cs', '--', 'artifacts/packages') + $Rest)
}

switch ($Verb) {
    'native' { Invoke-Native }
    'build' { Invoke-Build }
    'test' { Invoke-Native; Invoke-Test }
    'c' { Invoke-C }
    'bench' { Invoke-Bench }
    'pack' { Invoke-Pack }
    'consumer' { Invoke-Consumer }
    'all' { Invoke-Native; Invoke-Build; Invoke-Test; Invoke-Pack; Invoke-Consumer }
    default {
        Write-Host @'
usage: ./build.ps1 native | build | test | c | bench | pack | consumer | all  [arguments for dotnet]
  native    the C helper and its tests
  build     everything, for release
  test      the C tests and the .NET tests
  c         the library for C into artifacts/c, its tests and samples
  bench     benchmarks; what follows chooses, e.g. versus --net lenet
  pack      the NuGet packages, into artifacts/packages
  consumer  the packages in a program of its own, as a user publishes it
  all       native, build, test, pack, consumer
'@
        if ($Verb) { Write-Host "unknown verb: $Verb" }
        exit 2
    }
}

# Thin verbs over dotnet and cmake; what follows the verb is handed on to the dotnet command.
#   ./build.ps1 native | build | test | bench | pack | all
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
function Invoke-Bench { Invoke-Tool dotnet (@('run', '-c', 'Release', '--project', 'benchmarks/HybridCnn.Benchmarks', '--') + $Rest) }
function Invoke-Pack { Invoke-Tool dotnet (@('pack', 'src/HybridCnn', '-c', 'Release', '-o', 'artifacts/packages') + $Rest) }

switch ($Verb) {
    'native' { Invoke-Native }
    'build' { Invoke-Build }
    'test' { Invoke-Native; Invoke-Test }
    'bench' { Invoke-Bench }
    'pack' { Invoke-Pack }
    'all' { Invoke-Native; Invoke-Build; Invoke-Test; Invoke-Pack }
    default {
        Write-Host @'
usage: ./build.ps1 native | build | test | bench | pack | all  [arguments for dotnet]
  native  the C helper and its tests
  build   everything, for release
  test    the C tests and the .NET tests
  bench   benchmarks; what follows chooses, e.g. versus --net lenet
  pack    the NuGet package, into artifacts/packages
  all     native, build, test, pack
'@
        if ($Verb) { Write-Host "unknown verb: $Verb" }
        exit 2
    }
}

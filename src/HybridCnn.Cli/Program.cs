Console.WriteLine("hybridcnn");

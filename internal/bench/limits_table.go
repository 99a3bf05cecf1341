package main

var limits = map[row]limit{}
